mod cases;
mod desk;
mod filing;
mod misbehaviour;
mod rescan;
mod short;
mod world;
