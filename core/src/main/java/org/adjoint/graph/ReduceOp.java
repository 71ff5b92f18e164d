package org.adjoint.graph;

/** What a {@link Op.Reduce} folds elements with. */
public enum ReduceOp {
    /** 0 for nothing. 16-bit types accumulate in {@code F32}. */
    SUM("sum"),
    /** NaN if any element is; nothing to fold is an error. */
    MAX("max"),
    /** NaN if any element is; nothing to fold is an error. */
    MIN("min"),
    /** 1 for nothing. 16-bit types multiply in {@code F32}. */
    PROD("prod");

    private final String text;

    ReduceOp(String text) {
        this.text = text;
    }

    public String text() {
        return text;
    }

    /** Whether the result is one of the elements, so that there is none of nothing. */
    public boolean isChoice() {
        return switch (this) {
            case SUM, PROD -> false;
            case MAX, MIN -> true;
        };
    }
}
