//! Tests of the redactor as a whole: what is covered, what is not, and the laws that hold for every text.

mod cards;
mod json;
mod laws;
mod reference;
mod smuggling;
