"""ossia: agents for gpt-oss that score what the models can score."""
