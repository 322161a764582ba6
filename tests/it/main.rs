//! The integration tests: one binary, one file a capability.

// Tells clippy that everything in here is a test, helpers too.
#![cfg(test)]

mod answer_heads;
mod cli_check;
mod cli_keys;
mod clients;
mod config_golden;
mod config_layers;
mod config_reference;
mod dependencies;
mod first_start;
mod form_confusion;
mod form_target;
mod golden;
mod harness;
mod hostile_forms;
mod json_limits;
mod json_rpc_clients;
mod json_suite;
mod kinds;
mod layout;
mod naughty_strings;
mod notify;
mod php_bodies;
mod php_clients;
mod php_differential;
mod php_server;
mod process;
mod readme;
mod recorded;
mod secrets;
mod server_accept;
mod server_drain;
mod server_harness;
mod server_health;
mod server_protocol;
mod server_signals;
mod server_stalls;
mod server_stalls_http2;
mod store_audit;
mod store_durability;
mod store_fixture;
mod store_groups;
mod store_keys;
mod store_kill;
mod store_names;
mod store_search;
mod store_users;
mod wire;
