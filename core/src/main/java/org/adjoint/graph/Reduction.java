package org.adjoint.graph;

/** What becomes of the losses of a batch. */
public enum Reduction {
    /** Each stays. */
    NONE,
    /** Their mean; of losses with class weights the weighted mean. */
    MEAN,
    /** Their sum. */
    SUM,
    /** Their sum divided by the first extent of the targets. */
    BATCH_MEAN
}
