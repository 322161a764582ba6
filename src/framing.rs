//! What dialects are written in: PHP forms and JSON-RPC. No dialect is known here.

mod bytes;
mod content_type;
mod field_name;
mod fields;
pub mod form;
pub mod glance;
pub mod json;
pub mod json_rpc;
mod multipart;
mod parameters;
mod php_key;
mod seen;
mod urlencoded;
