"""Invented organizations and people of the seed. Only reserved domains and phone numbers set aside for fiction."""

# name, domain, tags, plan, region, seats, customers in it
ORGANIZATIONS = [
    ("Aurora Maritime Logistics", "aurora-maritime.example", ["logistics", "vip"], "enterprise", "emea", 420, 8),
    ("Kitano Precision Works", "kitano.example", ["manufacturing", "vip", "vip-platinum"], "enterprise", "apac", 950, 8),
    ("Sable & Finch Law", "sablefinch.example", ["legal", "vip"], "pro", "amer", 60, 6),
    ("Granite Valley Hospitals", "granitevalley.example", ["healthcare", "baa-signed"], "enterprise", "amer", 1800, 8),
    ("Northwind Outfitters", "northwind.example.com", ["retail"], "pro", "amer", 85, 8),
    ("Lumen Bakery Collective", "lumenbakery.example.org", ["food", "nonprofit"], "free", "emea", 12, 5),
    ("Oakline Schools", "oakline.example.org", ["education", "nonprofit"], "free", "amer", 40, 6),
    ("Tidewater Analytics", "tidewater.example.net", ["former-vip", "software"], "pro", "emea", 33, 7),
    ("Casa Verde Hotels", "casaverde.example", ["hospitality"], "pro", "latam", 140, 6),
    ("Pampa Robotics", "pampa-robotics.example.com", ["manufacturing", "startup"], "free", "latam", 9, 5),
    ("Brightfold Print Studio", "brightfold.example.net", ["print"], "pro", "emea", 22, 5),
    ("Monsoon Telecom Resellers", "monsoon.example", ["telecom", "reseller"], "pro", "apac", 70, 5),
]

# name, locale, time zone; dealt out in this order
AGENTS = [
    ("Priya Raghunathan", "en-IN", "Asia/Kolkata", "admin"),
    ("Marcus Oyelaran", "en-GB", "Europe/London", "admin"),
    ("Élodie Marchand", "fr", "Europe/Paris", "agent"),
    ("Tomasz Wiśniewski", "pl", "Europe/Warsaw", "agent"),
    ("Hannah Lindqvist", "sv", "Europe/Stockholm", "agent"),
    ("Diego Fuentes Araya", "es-419", "America/Santiago", "agent"),
    ("Aiko Shimizu", "ja", "Asia/Tokyo", "agent"),
    ("Rebecca Stone", "en-US", "America/Chicago", "agent"),
]

# region: (name, locale, time zone)
CUSTOMERS = {
    "emea": [
        ("Ingrid Bakke", "no", "Europe/Oslo"), ("Jürgen Hölzl", "de", "Europe/Vienna"),
        ("Ayşe Demirtaş", "tr", "Europe/Istanbul"), ("Niamh O'Sullivan", "en-IE", "Europe/Dublin"),
        ("Katarzyna Zielińska", "pl", "Europe/Warsaw"), ("Luca Bianchetti", "it", "Europe/Rome"),
        ("Sofie Vandenberghe", "nl-BE", "Europe/Brussels"), ("Youssef El Amrani", "fr", "Africa/Casablanca"),
        ("Wanjiru Kamau", "en-KE", "Africa/Nairobi"), ("Matthias Brückner", "de", "Europe/Berlin"),
        ("Chloé Lefèvre", "fr", "Europe/Paris"), ("Oleksandr Kovalenko", "uk", "Europe/Kyiv"),
        ("Femi Adebayo", "en-NG", "Africa/Lagos"), ("Marta Nováková", "cs", "Europe/Prague"),
        ("Anders Holm", "da", "Europe/Copenhagen"), ("Giulia Ferraro", "it", "Europe/Rome"),
        ("Pieter de Wit", "nl", "Europe/Amsterdam"), ("Layla Haddad", "ar", "Asia/Beirut"),
        ("Eleni Papadaki", "el", "Europe/Athens"), ("Birgit Sommer", "de", "Europe/Zurich"),
        ("Thandiwe Nkosi", "en-ZA", "Africa/Johannesburg"), ("Henrik Saarinen", "fi", "Europe/Helsinki"),
        ("Camille Dupuis", "fr", "Europe/Paris"), ("Rory Campbell", "en-GB", "Europe/London"),
        ("Noa Friedman", "he", "Asia/Jerusalem"), ("Sigríður Jónsdóttir", "is", "Atlantic/Reykjavik"),
    ],
    "amer": [
        ("Jasmine Whitfield", "en-US", "America/New_York"), ("Carlos Montoya", "en-US", "America/Denver"),
        ("Emily Tsosie", "en-US", "America/Phoenix"), ("Andre Baptiste", "fr-CA", "America/Toronto"),
        ("Grace Kowalczyk", "en-US", "America/Chicago"), ("Devon Marsh", "en-US", "America/Los_Angeles"),
        ("Linh Tran", "en-US", "America/Los_Angeles"), ("Samuel Okafor", "en-US", "America/New_York"),
        ("Geneviève Tremblay", "fr-CA", "America/Montreal"), ("Tyler Reyes", "en-US", "America/Chicago"),
        ("Brooke Hennessy", "en-CA", "America/Vancouver"), ("Malik Johnson", "en-US", "America/Detroit"),
        ("Rosa Delgado", "es-419", "America/Phoenix"), ("Nathaniel Pruitt", "en-US", "America/New_York"),
        ("Hye-jin Park", "en-US", "America/Los_Angeles"), ("Olivia Castellanos", "en-US", "America/Denver"),
        ("Wesley Yazzie", "en-US", "America/Denver"), ("Fatima Siddiqui", "en-US", "America/Chicago"),
        ("Kevin O'Rourke", "en-US", "America/New_York"), ("Ana Beltrán", "es-419", "America/Chicago"),
        ("Theodore Banks", "en-US", "America/New_York"), ("Mei-Ling Zhou", "en-US", "America/Los_Angeles"),
        ("Joanna Fitch", "en-US", "America/Boise"), ("Ravi Menon", "en-US", "America/New_York"),
        ("Claire Beaumont", "en-CA", "America/Halifax"), ("Isaiah Turner", "en-US", "America/Chicago"),
        ("Paula Ortega", "es-419", "America/Denver"), ("Simon Adler", "en-US", "America/New_York"),
        ("Keisha Brown", "en-US", "America/New_York"), ("Victor Salazar", "en-US", "America/Los_Angeles"),
    ],
    "apac": [
        ("Haruto Kitano", "ja", "Asia/Tokyo"), ("Yui Nakagawa", "ja", "Asia/Tokyo"),
        ("Ren Matsuda", "ja", "Asia/Tokyo"), ("Siti Nurhaliza Rahman", "ms", "Asia/Kuala_Lumpur"),
        ("Arjun Deshpande", "en-IN", "Asia/Kolkata"), ("Nguyễn Thị Mai", "vi", "Asia/Ho_Chi_Minh"),
        ("Chen Wei", "zh-CN", "Asia/Shanghai"), ("Olivia Hargreaves", "en-AU", "Australia/Sydney"),
        ("Kim Ji-woo", "ko", "Asia/Seoul"), ("Rizal Santos", "en-PH", "Asia/Manila"),
        ("Ananya Iyer", "en-IN", "Asia/Kolkata"), ("Tane Wiremu", "en-NZ", "Pacific/Auckland"),
        ("Sakura Endo", "ja", "Asia/Tokyo"),
    ],
    "latam": [
        ("Valentina Rojas", "es-419", "America/Bogota"), ("João Pedro Almeida", "pt-BR", "America/Sao_Paulo"),
        ("Camila Sepúlveda", "es-419", "America/Santiago"), ("Mateo Giménez", "es-419", "America/Argentina/Cordoba"),
        ("Larissa Monteiro", "pt-BR", "America/Recife"), ("Ximena Cárdenas", "es-419", "America/Mexico_City"),
        ("Rafael Quispe", "es-419", "America/Lima"), ("Beatriz Nogueira", "pt-BR", "America/Sao_Paulo"),
        ("Agustín Peralta", "es-419", "America/Argentina/Buenos_Aires"), ("Lucía Barrios", "es-419", "America/Montevideo"),
        ("Emilio Zambrano", "es-419", "America/Guayaquil"), ("Daniela Pacheco", "es-419", "America/Costa_Rica"),
    ],
}

AREA_CODES = ["202", "213", "303", "312", "404", "415", "503", "617", "718", "808"]
