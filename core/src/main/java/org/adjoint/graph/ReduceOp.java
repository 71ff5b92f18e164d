package org.adjoint.graph;

/** What a {@link Op.Reduce} folds elements with. */
public enum ReduceOp {
    /** 0 for nothing. 16-bit types accumulate in {@code F32}. */
    SUM("sum"),
    /** NaN if any element is; nothing to fold is an error. */
    MAX("max"),
    /** NaN if any element is; nothing to fold is an error. */
    MIN("min");

    private final String text;

    ReduceOp(String text) {
        this.text = text;
    }

    public String text() {
        return text;
    }
}
