//! Rules: a table a rule, over values.

mod gates;
mod given;
mod table;
