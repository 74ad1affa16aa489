//! The command line as people and scripts meet it: exit status, standard output, standard error.

mod acceptance;
mod action;
mod announce;
mod approvals;
mod cleaned;
mod configuration;
mod doctor;
mod elsewhere;
mod environments;
mod github;
mod guests;
mod help;
mod hostile;
mod init;
mod ledger_branch;
mod pages;
mod refusals;
mod reviews;
mod scan;
mod secrets;
mod signatures;
mod story;
mod strategies;
