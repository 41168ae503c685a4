"""Where responses come from: prompts, backends, judging while others are generated, dynamic sampling."""
