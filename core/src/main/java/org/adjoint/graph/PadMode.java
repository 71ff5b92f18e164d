package org.adjoint.graph;

/** What padding is filled with, for elements {@code a b c d} and two more on either side. */
public enum PadMode {
    /** {@code c b | a b c d | c b}: mirrored at the outermost elements, which are not repeated. */
    REFLECT("reflect"),
    /** {@code a a | a b c d | d d}. */
    REPLICATE("replicate"),
    /** {@code c d | a b c d | a b}. */
    CIRCULAR("circular");

    private final String text;

    PadMode(String text) {
        this.text = text;
    }

    public String text() {
        return text;
    }

    /** The largest padding of an axis of this extent. */
    long most(long extent) {
        return switch (this) {
            case REFLECT -> Math.max(0, extent - 1);
            case REPLICATE -> extent == 0 ? 0 : Long.MAX_VALUE;
            case CIRCULAR -> extent;
        };
    }
}
