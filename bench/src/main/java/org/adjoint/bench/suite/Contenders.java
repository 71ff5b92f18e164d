package org.adjoint.bench.suite;

/** Names of our own contenders; a peer's is its own. */
final class Contenders {
    /** Through the public API. */
    static final String ADJOINT = "adjoint";
    /** The CPU backend's kernel without the engine around it. */
    static final String KERNEL = "adjoint kernel";

    private Contenders() { }

    static boolean isOurs(String contender) {
        return contender.startsWith(ADJOINT);
    }
}
