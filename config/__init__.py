"""What an operator may say, and what is wrong with it when it cannot be used.

loader.load(path, env) -> Loaded(settings, warnings)      raises errors.ConfigError
settings.Settings                                          the whole configuration, frozen
schema.schema()                                            its JSON Schema
changes.diff(old, new)                                     what a reload changes, what waits for a restart
example.render(), example.write()                          the commented file of `gatepost init`
"""
