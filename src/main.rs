//! The `greenroom` binary: everything else is in the library.

fn main() -> std::process::ExitCode {
    greenroom::cli::main(std::env::args_os())
}
