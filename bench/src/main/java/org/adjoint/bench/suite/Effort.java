package org.adjoint.bench.suite;

/**
 * How long a contender is measured: in each round a JVM of its own warms up and measures.
 *
 * @param seconds of one iteration, warm-up or not; at least one call is made in each
 */
record Effort(int rounds, int warmups, int iterations, double seconds) {
    static final Effort FULL = new Effort(3, 3, 3, 1);
    static final Effort QUICK = new Effort(1, 3, 3, 1);

    Effort withSeconds(double length) {
        return new Effort(rounds, warmups, iterations, length);
    }
}
