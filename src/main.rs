//! The `greenroom` binary: everything else is in the library.

/// The allocator of musl costs the router a quarter of its throughput (docs/performance.md).
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    greenroom::cli::main(std::env::args_os())
}
