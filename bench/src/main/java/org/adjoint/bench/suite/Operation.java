package org.adjoint.bench.suite;

import java.util.Arrays;
import java.util.Optional;

/** Operations that are measured alone, in {@code F32}; their names are those that peers are asked for. */
enum Operation {
    /** {@code x + y} of n elements. */
    ADD("add", 1),
    EXP("exp", 1),
    /** By the error function. */
    GELU("gelu", 1),
    /** {@code max(x y + 0.5, 0) x}: four operations. */
    CHAIN("chain", 1),
    SUM("sum", 1),
    /** Along the last axis of a matrix. */
    SUM_ROWS("sumRows", 2),
    /** Along the first axis of a matrix. */
    SUM_COLUMNS("sumColumns", 2),
    ARGMAX_ROWS("argmaxRows", 2),
    SOFTMAX("softmax", 2),
    LOG_SOFTMAX("logSoftmax", 2),
    LAYER_NORM("layerNorm", 2),
    /** Of n rows of logits for as many classes as there are columns. */
    CROSS_ENTROPY("crossEntropy", 2),
    /** Causal; batch x heads x tokens x width of a head. */
    ATTENTION("attention", 4),
    /** 3 x 3, stride 1, padded; batch x channels x height x width x channels of the result. */
    CONV2D("conv2d", 5),
    /** 3 x 3, stride 1, padded, each channel apart; batch x channels x height x width. */
    DEPTHWISE("depthwise", 4);

    private final String text;
    private final int extents;

    Operation(String text, int extents) {
        this.text = text;
        this.extents = extents;
    }

    static Optional<Operation> of(String text) {
        return Arrays.stream(values()).filter(operation -> operation.text.equals(text)).findFirst();
    }

    /** How many numbers tell the size. */
    int extents() {
        return extents;
    }

    /** Whether multiply-adds, not memory, are what it needs most. */
    boolean isArithmetic() {
        return this == ATTENTION || this == CONV2D || this == DEPTHWISE;
    }

    @Override
    public String toString() {
        return text;
    }
}
