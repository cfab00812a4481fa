"""The wire contract as files: AsyncAPI, JSON Schemas, golden examples, reason codes."""
