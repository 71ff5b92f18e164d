package org.adjoint.bench.suite;

/** How long a contender is measured: in each round a JVM of its own warms up and measures, in iterations. */
record Effort(int rounds, int warmups, int iterations) {
    static final Effort FULL = new Effort(3, 5, 3);
    static final Effort QUICK = new Effort(1, 5, 3);
}
