//! tries: to reach loopback, private networks and cloud metadata by address, in every way that one can be written
//! stands-for: INT-2, INC-1
//! asks: http:send to=https://api.example.test/v1/* methods=GET
//! limit: cpu-ms=2000
//! expect: ok
//! afterwards: egress

use portcullis_attack_guests::*;

attack!(|_| {
    for host in [
        "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.0.0.1.", "0", "0.0.0.0", "10.0.0.1",
        "192.168.0.1", "172.16.0.1", "100.64.0.1", "169.254.169.254", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "169.254.43518",
        "169.254.169.254.", "100.100.100.200", "168.63.129.16", "255.255.255.255", "224.0.0.1", "[::1]", "[::]", "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:a9fe:a9fe]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::169.254.169.254]",
        "[64:ff9b:1::a9fe:a9fe]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2001:0:7f00:1::]", "[2001::a9fe:a9fe]", "[fe80::1]",
        "[fe80::1%25eth0]", "[fe80::1%eth0]", "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[::ffff:0:127.0.0.1]", "[2001:db8::1]",
        "localhost", "LOCALHOST", "localhost.", "ip6-localhost", "\u{ff11}\u{ff12}\u{ff17}.0.0.1", "127\u{3002}0\u{3002}0\u{3002}1", "127\u{ff0e}0\u{ff0e}0\u{ff0e}1",
        "\u{2460}\u{2461}\u{2466}.0.0.1", "\u{1d7cf}27.0.0.1", "\u{661}\u{662}\u{667}.0.0.1", "1\u{ad}27.0.0.1", "127.0.0.1\u{200b}", "0x7f.0x0.0x0.0x1", "1.2.3", "1.2.3.4.5",
        "00000177.0.0.1", "4294967296", "%31%32%37.0.0.1", "[::1]:443", "127.0.0.1:443", "metadata.google.internal", "instance-data.ec2.internal",
    ] {
        refused(host, send("GET", &format!("https://{host}/v1/x"), &[]))?;
    }
    Ok(())
});
