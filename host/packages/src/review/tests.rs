mod cases;
mod desk;
mod misbehaviour;
mod rescan;
mod world;
