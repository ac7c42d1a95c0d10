//! tries: to delete tickets outside of the grant's where=
//! stands-for: DAT-2, DAT-4, INT-2
//! asks: tickets:delete where=status:closed,organization:361053
//! expect: ok
//! afterwards: tickets

use portcullis_attack_guests::*;

attack!(|_| {
    not_found("an open ticket", tickets::delete("1033"))?;
    not_found("a closed ticket of another organization", tickets::delete("1039"))?;
    not_found("one that is neither", tickets::delete("1005"))?;
    works("one that is both", tickets::delete("1035"))
});
