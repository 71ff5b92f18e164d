package org.adjoint.bench.suite;

/** A piece of work that is ready to be measured: everything is allocated, one call does it once. */
interface Contender extends AutoCloseable {
    void run();

    /** Frees what it holds. */
    @Override
    void close();

    /** One that holds nothing. */
    static Contender of(Runnable work) {
        return new Contender() {
            @Override
            public void run() {
                work.run();
            }

            @Override
            public void close() { }
        };
    }
}
