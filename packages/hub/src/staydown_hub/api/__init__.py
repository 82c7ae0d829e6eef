"""The JSON interface: routes and schemas, no rules."""
