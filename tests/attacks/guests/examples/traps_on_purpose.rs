//! tries: to take the host along when it traps, time after time
//! stands-for: INC-6
//! calls: own, own, own, own, own
//! expect: trapped unreachable

use portcullis_attack_guests::attack;

attack!(|_| std::process::abort());
