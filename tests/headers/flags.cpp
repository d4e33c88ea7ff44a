// Compiled with the flags of every LibTorch source and no precompiled header: the header tests and the linter read this
// source's command from compile_commands.json.
