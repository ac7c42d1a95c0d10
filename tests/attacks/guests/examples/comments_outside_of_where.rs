//! tries: to comment on tickets outside of the grant's where=, and to be seen by customers where only notes are granted
//! stands-for: DAT-2, INT-2
//! asks: tickets:comment visibility=internal where=organization:361014
//! asks: tickets:comment visibility=public where=organization:361027
//! expect: ok
//! afterwards: tickets

use portcullis_attack_guests::*;

fn public(body: &str) -> tickets::NewComment {
    tickets::NewComment { public: true, ..note(body, None) }
}

attack!(|_| {
    not_found("a ticket outside", tickets::add_comment("1005", &note("outside", None)))?;
    not_found("shown to the customer", tickets::add_comment("1009", &public("outside")))?;
    works("a note inside", tickets::add_comment("1009", &note("inside", None)))?;
    works("a comment inside", tickets::add_comment("1017", &public("inside"))).map(drop)
});
