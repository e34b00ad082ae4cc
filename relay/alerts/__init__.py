"""Events to what people are told."""
