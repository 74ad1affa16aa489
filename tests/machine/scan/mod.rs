//! Scans against real processes, files and servers: what scanners write, what becomes of it, and where it
//! is handed in.

mod assessed;
mod samples;
mod sarif;
mod scanner;
