package org.adjoint.contract;

import java.util.List;
import java.util.stream.Stream;

/**
 * The table: for every operation, how it is tested. An operation that is added to the graph adds a row here; a test
 * fails where an operation has none.
 */
final class OpSamples {
    /** All rows. */
    static final List<OpRow> ROWS = Stream.of(
        ElementwiseSamples.rows(),
        FunctionSamples.rows(),
        ReductionSamples.rows(),
        CumulativeSamples.rows(),
        MovementSamples.rows(),
        ArrangementSamples.rows(),
        IndexingSamples.rows(),
        SortingSamples.rows(),
        ModelSamples.rows(),
        ClassLossSamples.rows(),
        LossSamples.rows(),
        NormalizationSamples.rows(),
        ChannelNormSamples.rows(),
        AttentionSamples.rows(),
        ConvolutionSamples.rows(),
        PoolingSamples.rows(),
        LinearAlgebraSamples.rows(),
        FactorizationSamples.rows(),
        TransformSamples.rows(),
        ScanSamples.rows(),
        RandomSamples.rows())
        .flatMap(List::stream).toList();

    private OpSamples() { }
}
