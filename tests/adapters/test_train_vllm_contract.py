"""What the sampling backends lean on inside TRL, and inside vLLM where it is installed.

An upgrade that moves any of it must fail here, not three hours into a run.
"""

from __future__ import annotations

import inspect
from importlib.util import find_spec

import pytest

pytest.importorskip("trl")

from trl import import_utils
from trl.generation import vllm_generation
from trl.generation.vllm_client import VLLMClient
from trl.generation.vllm_generation import VLLMGeneration
from trl.trainer import grpo_trainer
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from adapters.prorl.sampling.backends import CPU_HEAD_SIZES, VLLM_VERSIONS, sampler_arguments
from adapters.prorl.sampling.rollout_settings import RolloutSettings

needs_vllm = pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed")


def source(function: object) -> str:
    return inspect.getsource(function)  # type: ignore[arg-type]


def parameters(function: object) -> list[str]:
    return list(inspect.signature(function).parameters)  # type: ignore[arg-type]


def test_the_samplers_settings_are_fields_of_trls() -> None:
    assert sampler_arguments(RolloutSettings()).keys() <= GRPOConfig.__dataclass_fields__.keys()
    modes = source(GRPOTrainer._generate_and_score_completions)
    for mode in ("token_truncate", "token_mask", "sequence_truncate", "sequence_mask"):
        assert f'"{mode}"' in modes


def test_the_supported_versions_are_trls() -> None:
    low, high = VLLM_VERSIONS
    assert f'Version("{low}") <= _vllm_base_version <= Version("{high}")' in source(
        import_utils.is_vllm_available
    )


def test_transformers_generates_on_the_unwrapped_model_with_keywords_alone() -> None:
    turn = source(GRPOTrainer._generate_single_turn)
    assert "unwrapped_model.generate(\n                    **generate_inputs, generation_config" in turn
    assert "unwrap_model_for_generation(\n                    self.model_wrapped," in turn
    assert "self.use_transformers_continuous_batching" in turn


def test_continuous_batching_gives_no_log_probs_and_rounds_the_weights() -> None:
    turn = source(GRPOTrainer._generate_single_turn)
    branch = turn[turn.index("elif self.use_transformers_continuous_batching:") :]
    assert "unwrapped_model.to(torch.bfloat16)" in branch, "the refusal of model.bf16 can be lifted"
    assert "logprobs = None" in branch


def test_the_trainer_makes_its_engine_under_this_name_and_syncs_it_once_per_update() -> None:
    assert grpo_trainer.VLLMGeneration is VLLMGeneration
    assert "self.vllm_generation = VLLMGeneration(" in source(GRPOTrainer.__init__)
    for function in (GRPOTrainer._generate, GRPOTrainer._generate_single_turn):
        assert "self.state.global_step != self._last_loaded_step" in source(function)
        assert "self.vllm_generation.sync_weights()" in source(function)
    assert "logprobs = [[lp[0] for lp in seq] for seq in logprobs]" in source(
        GRPOTrainer._generate_single_turn
    )


def test_a_colocated_engine_is_made_and_asked_as_we_expect() -> None:
    made = source(VLLMGeneration._init_vllm)
    assert "self.llm = LLM(\n" in made
    assert 'logprobs_mode="processed_logprobs"' in made
    assert 'distributed_executor_backend="external_launcher"' in made
    asked = source(VLLMGeneration.generate)
    assert '"n": 1,' in asked
    assert "self.llm.generate(vllm_prompts" in asked
    loads = source(VLLMGeneration.sync_weights)
    assert "self.llm.llm_engine.model_executor.driver_worker.model_runner.model.load_weights(" in loads
    assert parameters(VLLMGeneration._iter_named_params) == ["self"]


def test_a_server_is_asked_and_gets_its_weights_through_these_methods() -> None:
    assert vllm_generation.VLLMClient is VLLMClient
    assert "self.vllm_client = VLLMClient(\n" in source(VLLMGeneration._init_vllm)
    assert "self.vllm_client.init_communicator(device=accelerator.device)" in source(
        VLLMGeneration._init_vllm
    )
    sync = source(VLLMGeneration.sync_weights)
    assert "self.vllm_client.update_named_params(self._weight_metadata, self._iter_named_params())" in sync
    assert "self.vllm_client.reset_prefix_cache()" in sync
    asked = source(VLLMGeneration.generate)
    assert "prompts=ordered_set_of_prompt_ids, features=features, **sampling_params" in asked
    assert '"n": num_generations,' in asked
    assert parameters(VLLMClient.generate)[:4] == ["self", "prompts", "features", "n"]
    assert parameters(VLLMClient.init_communicator) == ["self", "device"]
    assert parameters(VLLMClient.update_named_params) == ["self", "metadata", "named_params"]
    for name in ("self.session", "self.base_url"):
        assert f"{name} = " in source(VLLMClient.__init__)
    assert "VLLM_SERVER_DEV_MODE=1" in source(VLLMClient.get_server_info)


def test_the_trainers_own_log_probs() -> None:
    names = ["self", "model", "input_ids", "attention_mask", "logits_to_keep", "batch_size"]
    function = GRPOTrainer._get_per_token_logps_and_entropies
    assert parameters(function)[: len(names)] == names
    # Its forward is patched to divide by the sampling temperature, as vLLM's processed log-probs are.
    assert source(GRPOTrainer.__init__).count("temperature=self.temperature") >= 3


@needs_vllm
def test_vllm_numbers_its_requests_in_order_and_steps_until_they_are_done() -> None:
    from vllm.entrypoints.llm import LLM

    assert "self.request_counter = Counter()" in source(LLM.__init__)
    assert "str(next(self.request_counter))" in source(LLM._add_request)
    engine = source(LLM._run_engine)
    assert "step_outputs = self.llm_engine.step()" in engine
    assert "if output.finished:" in engine


@needs_vllm
def test_vllm_reloads_weights_from_an_iterator_and_knows_these_head_sizes() -> None:
    from vllm.model_executor.layers.vocab_parallel_embedding import ParallelLMHead, UnquantizedEmbeddingMethod
    from vllm.v1.attention.backends.cpu_attn import CPUAttentionBackend
    from vllm.v1.worker.gpu_model_runner import GPUModelRunner

    assert {"weights_iterator", "weights_path"} <= set(parameters(GPUModelRunner.reload_weights))
    assert parameters(UnquantizedEmbeddingMethod.process_weights_after_loading) == ["self", "layer"]
    assert ParallelLMHead.__name__ == "ParallelLMHead"
    assert tuple(CPUAttentionBackend.get_supported_head_sizes()) == CPU_HEAD_SIZES
