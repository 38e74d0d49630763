//! A worker as a program of its own, for hosts that cannot be started again as one: tests, bindings.

fn main() {
    seraph_host::worker_main()
}
