package org.adjoint.contract;

import static org.adjoint.contract.Domain.distinct;
import static org.adjoint.contract.Domain.uniform;
import static org.adjoint.contract.Domain.values;
import static org.adjoint.contract.Domain.whole;

import java.util.List;
import java.util.stream.Stream;
import org.adjoint.Functions;
import org.adjoint.Scan;
import org.adjoint.contract.Operand.Layout;
import org.adjoint.gradcheck.TensorFunction;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;
import org.adjoint.graph.SearchSorted;

/** Samples of what orders elements, and of what an order is good for. */
final class SortingSamples {
    private static final Domain ANY = uniform(-3, 3);
    private static final double NAN = Double.NaN;
    private static final Operand SPECIAL = Operand.of(
        values(1, NAN, -0.0, Double.POSITIVE_INFINITY, 0, NAN, -0.0, Double.NEGATIVE_INFINITY, -2), 13);

    private SortingSamples() { }

    static List<OpRow> rows() {
        return Stream.of(orders(), selections(), searches(), listings()).flatMap(List::stream).toList();
    }

    private static SampleCase of(TensorFunction function, Operand... operands) {
        return SampleCase.of(function, operands);
    }

    private static Operand any(long... shape) {
        return Operand.of(ANY, shape);
    }

    /** Nothing ties, and nothing comes to tie within a step of a difference. */
    private static Operand apart(long... shape) {
        return Operand.of(distinct(0.25), shape);
    }

    private static Operand ties(long... shape) {
        return Operand.of(whole(0, 2), shape);
    }

    private static List<OpRow> orders() {
        TensorFunction first = x -> x[0].argsort(0);
        TensorFunction last = x -> x[0].argsort(-1);
        TensorFunction down = x -> x[0].argsort(-1, true);
        TensorFunction sort0 = x -> x[0].sort(0);
        TensorFunction sort1 = x -> x[0].sort(1);
        TensorFunction sortDown = x -> x[0].sort(-1, true);
        return List.of(
            OpRow.of("argsort", Op.ArgSort.class).dtypes(OpRow.ANY).notDifferentiable().cases(
                of(first, any(1)), of(first, any(0)), of(last, any(0, 3)), of(last, any(13)), of(down, any(207)),
                of(first, any(3, 5)), of(last, ties(4, 33)), of(down, ties(4, 33)),
                of(first, any(5, 3).laid(Layout.PERMUTED)), of(last, any(3, 5).laid(Layout.FLIPPED)),
                of(down, any(3, 5).laid(Layout.SLICED)), of(first, any(3, 5).laid(Layout.EXPANDED)),
                of(x -> x[0].argsort(1), ties(2, 7, 3)), of(last, SPECIAL), of(down, SPECIAL), of(last, any(1030)),
                of(down, ties(2, 1100)))
                .refuses(Refusal.of("argsort: axis 2 is out of range for shape (3, 3): use -2 to 1",
                    x -> x[0].argsort(2), any(3, 3)),
                    Refusal.of("argsort: axis -2 is out of range for shape (3)", x -> x[0].argsort(-2), any(3)),
                    Refusal.of("argsort: axis 0 is out of range for shape (), which has no axes", first, any())),
            OpRow.of("sort").dtypes(OpRow.ANY).cases(
                of(sort0, apart(1)), of(sort0, apart(0)), of(sort1, apart(2, 0)), of(sort0, apart(13)),
                of(sortDown, apart(207)), of(sort0, apart(3, 5)), of(sort1, apart(3, 5)),
                of(sort0, apart(5, 3).laid(Layout.PERMUTED)), of(sort1, apart(3, 5).laid(Layout.FLIPPED)),
                of(sortDown, apart(3, 4).laid(Layout.SLICED)), of(sort1, apart(2, 4, 3)),
                of(sort1, ties(3, 20)).withoutDifferences(), of(x -> x[0].sort(0), SPECIAL).forwardOnly(),
                of(sortDown, SPECIAL).forwardOnly())
                .refuses(Refusal.of("sort: axis 1 is out of range for shape (3)", sort1, any(3)),
                    Refusal.of("sort: axis -3 is out of range for shape (3, 3)", x -> x[0].sort(-3), any(3, 3)),
                    Refusal.of("sort: axis 0 is out of range for shape (), which has no axes", sort0, any())));
    }

    private static List<OpRow> selections() {
        TensorFunction top = x -> x[0].topK(3, -1).values();
        TensorFunction low = x -> x[0].topK(2, 0, false).values();
        TensorFunction second = x -> x[0].kthValue(2, -1).values();
        TensorFunction median0 = x -> x[0].median(0).values();
        TensorFunction median1 = x -> x[0].median(1).values();
        return List.of(
            OpRow.of("topK").dtypes(OpRow.ANY).cases(
                of(top, apart(3)), of(top, apart(13)), of(top, apart(207)), of(top, apart(0, 5)), of(top, apart(4, 5)),
                of(low, apart(5, 3)), of(low, apart(2)), of(top, apart(3, 5).laid(Layout.PERMUTED)),
                of(low, apart(5, 3).laid(Layout.FLIPPED)), of(x -> x[0].topK(0, 0).values(), apart(3)),
                of(x -> x[0].topK(1, 1).values(), apart(2, 3, 4)),
                of(x -> x[0].topK(5, 0).indices(), SPECIAL).forwardOnly(),
                of(x -> x[0].topK(12, 0, false).values(), SPECIAL).forwardOnly(),
                of(x -> x[0].topK(4, 1).indices(), ties(3, 17)).forwardOnly(),
                of(x -> x[0].topK(40, 1).indices(), any(2, 1100)).forwardOnly())
                .refuses(Refusal.of("topK: k must be in [0, 2], for axis -1 of (3, 2) has 2 elements, but is 3", top,
                    any(3, 2)), Refusal.of("topK: k must be in [0, 2]", x -> x[0].topK(-1, 0).values(), any(2)),
                    Refusal.of("topK: axis 2 is out of range for shape (3, 3)", x -> x[0].topK(1, 2).values(), any(3, 3))),
            OpRow.of("kthValue").dtypes(OpRow.ANY).cases(
                of(second, apart(2)), of(second, apart(13)), of(second, apart(207)), of(second, apart(0, 5)),
                of(second, apart(4, 5)), of(x -> x[0].kthValue(1, 0).values(), apart(1)),
                of(x -> x[0].kthValue(3, 0).values(), apart(5, 2)),
                of(second, apart(3, 5).laid(Layout.PERMUTED)), of(second, apart(3, 5).laid(Layout.SLICED)),
                of(x -> x[0].kthValue(12, 0).values(), SPECIAL).forwardOnly(),
                of(x -> x[0].kthValue(9, 1).indices(), ties(3, 17)).forwardOnly())
                .refuses(Refusal.of("kthValue: k must be in [1, 2], for axis 0 of (2) has 2 elements, but is 3",
                    x -> x[0].kthValue(3, 0).values(), any(2)),
                    Refusal.of("kthValue: k must be in [1, 2]", x -> x[0].kthValue(0, 0).values(), any(2)),
                    Refusal.of("kthValue: axis 1 is out of range for shape (3)", x -> x[0].kthValue(1, 1).values(), any(3))),
            OpRow.of("median").dtypes(OpRow.ANY).cases(
                of(median0, apart(1)), of(median0, apart(2)), of(median0, apart(13)), of(median0, apart(206)),
                of(median1, apart(0, 3)), of(median1, apart(4, 5)), of(median0, apart(4, 5)),
                of(median1, apart(2, 4, 3)), of(median1, apart(3, 4).laid(Layout.PERMUTED)),
                of(median0, apart(3, 4).laid(Layout.FLIPPED)), of(median0, SPECIAL).forwardOnly(),
                of(x -> x[0].median(1).indices(), ties(3, 17)).forwardOnly(),
                of(x -> x[0].median(0).indices(), SPECIAL).forwardOnly())
                .refuses(Refusal.of("median: axis 0 of (0) is empty, and nothing has no median", median0, any(0)),
                    Refusal.of("median: axis 1 is out of range for shape (3)", median1, any(3)),
                    Refusal.of("median: axis 0 is out of range for shape ()", median0, any())));
    }

    private static List<OpRow> searches() {
        TensorFunction left = x -> x[0].sort(-1).searchSorted(x[1], false);
        TensorFunction right = x -> x[0].sort(-1).searchSorted(x[1], true);
        TensorFunction bucket = x -> x[0].bucketize(x[1].sort(0), false);
        TensorFunction bucketRight = x -> x[0].bucketize(x[1].sort(0), true);
        return List.of(
            OpRow.of("searchSorted", SearchSorted.class).dtypes(OpRow.NUMBERS).notDifferentiable().cases(
                of(left, ties(5), ties()), of(right, ties(5), ties(1)), of(left, any(0), any(3)),
                of(left, any(5), any(0)), of(left, any(13), any(13)), of(right, ties(13), ties(207)),
                of(left, any(207), any(2, 3)), of(left, ties(3, 8), ties(3, 5)), of(right, ties(2, 3, 7), ties(2, 3, 2)),
                of(left, ties(3, 8).laid(Layout.PERMUTED), ties(3, 5).laid(Layout.FLIPPED)),
                of(right, any(1), any(5).laid(Layout.SLICED)), of(left, SPECIAL, SPECIAL), of(right, SPECIAL, SPECIAL),
                of(left, Operand.of(DType.I32, whole(0, 9), 9), any(7)))
                .refuses(Refusal.of("searchSorted: the sorted sequence (2, 5) must have one axis, or differ from the "
                    + "values (3, 2) along the last axis alone", left, any(2, 5), any(3, 2)),
                    Refusal.of("searchSorted: the sorted sequence () must have one axis",
                        x -> x[0].searchSorted(x[1], false), any(), any(2)),
                    Refusal.of("searchSorted: does not take bool tensors", left, any(3),
                        Operand.of(DType.BOOL, whole(0, 1), 2))),
            OpRow.of("bucketize").dtypes(OpRow.NUMBERS).notDifferentiable().cases(
                of(bucket, ties(), ties(5)), of(bucketRight, ties(1), ties(5)), of(bucket, any(3), any(0)),
                of(bucket, any(0, 2), any(5)), of(bucket, any(13), any(13)), of(bucketRight, ties(207), ties(4)),
                of(bucket, any(2, 3, 2), any(1)), of(bucket, ties(3, 5).laid(Layout.PERMUTED), ties(3)),
                of(bucketRight, ties(3, 5).laid(Layout.EXPANDED), ties(3)), of(bucketRight, SPECIAL, SPECIAL),
                of(bucket, any(5), Operand.of(DType.F64, ANY, 4)))
                .refuses(Refusal.of("bucketize: the boundaries must have one axis but are f32(2, 2)",
                    x -> x[0].bucketize(x[1], false), any(3), Operand.of(DType.F32, ANY, 2, 2)),
                    Refusal.of("bucketize: the boundaries must have one axis but are f32()",
                        x -> x[0].bucketize(x[1], false), any(3), Operand.of(DType.F32, ANY)),
                    Refusal.of("bucketize: does not take bool tensors", bucket, any(3),
                        Operand.of(DType.BOOL, whole(0, 1), 2))));
    }

    private static List<OpRow> listings() {
        TensorFunction nonzero = x -> x[0].nonzero();
        TensorFunction unique = x -> x[0].unique().values();
        Domain sparse = whole(-1, 1);
        return List.of(
            OpRow.of("nonzero").shapeDependsOnValues().dtypes(OpRow.ANY).notDifferentiable().cases(
                of(nonzero, Operand.of(values(2))), of(nonzero, Operand.of(values(0))),
                of(nonzero, Operand.of(sparse, 0, 3)), of(nonzero, Operand.of(sparse, 1)),
                of(nonzero, Operand.of(sparse, 13)), of(nonzero, Operand.of(sparse, 207)),
                of(nonzero, Operand.of(sparse, 3, 5)), of(nonzero, Operand.of(sparse, 2, 3, 4)),
                of(nonzero, Operand.of(sparse, 3, 5).laid(Layout.PERMUTED)),
                of(nonzero, Operand.of(sparse, 3, 5).laid(Layout.FLIPPED)),
                of(nonzero, Operand.of(sparse, 3, 5).laid(Layout.EXPANDED)), of(nonzero, SPECIAL))
                .refuses(withoutValues("nonzero", nonzero)),
            OpRow.of("unique").shapeDependsOnValues().dtypes(OpRow.ANY).cases(
                of(unique, apart()), of(unique, apart(1)), of(unique, apart(0)), of(unique, apart(13)),
                of(unique, apart(207)).withoutDifferences(), of(unique, apart(3, 4).laid(Layout.PERMUTED)),
                of(unique, ties(3, 5)).withoutDifferences(), of(x -> x[0].unique().inverse(), ties(3, 5)).forwardOnly(),
                of(x -> x[0].unique().counts(), ties(207)).forwardOnly(),
                of(x -> x[0].unique().inverse(), any(13).laid(Layout.FLIPPED)).forwardOnly(),
                of(x -> x[0].unique().counts(), any(0, 2)).forwardOnly(), of(unique, SPECIAL).forwardOnly(),
                of(x -> x[0].unique().counts(), SPECIAL).forwardOnly())
                .refuses(withoutValues("unique", unique)));
    }

    /** Wherever a tensor has no values yet. */
    private static Refusal[] withoutValues(String op, TensorFunction function) {
        String message = op + ": the shape of the result depends on values";
        TensorFunction scanned = x -> Scan.of((_, slices) ->
            Scan.results(List.of(), List.of(function.apply(slices.getFirst())))).run(List.of(), List.of(x)).outputs()
            .getFirst();
        return new Refusal[] {
            Refusal.whenTraced(message, function, any(2)),
            new Refusal(List.of(any(3, 2)), scanned, IllegalStateException.class, message),
            new Refusal(List.of(any(3, 2)), x -> Functions.vmap(y -> function.apply(y)).apply(x[0]),
                IllegalStateException.class, "vmap: inside the mapped function a tensor stands for one example")};
    }
}
