//! Rules: a table a rule, over values.

mod bounds;
mod gates;
mod given;
mod table;
