package org.adjoint.contract;

import static org.adjoint.contract.Domain.distinct;
import static org.adjoint.contract.Domain.uniform;
import static org.adjoint.contract.Domain.values;
import static org.adjoint.contract.Domain.whole;

import java.util.List;
import java.util.stream.Stream;
import org.adjoint.contract.Operand.Layout;
import org.adjoint.gradcheck.TensorFunction;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;
import org.adjoint.graph.ScatterExtremum;

/** Samples of what picks and replaces elements by index or mask. */
final class IndexingSamples {
    private static final Domain ANY = uniform(-3, 3);
    private static final Tolerance SUM =
        Tolerance.summing(16, "several updates may be added to one element, one rounding each").roundings(16);
    private static final Operand OUTSIDE = Operand.of(DType.I64, values(0, 7), 2);
    private static final Operand FLOATS = Operand.of(DType.F32, whole(0, 1), 2);

    private IndexingSamples() { }

    static List<OpRow> rows() {
        return Stream.of(picking(), lists(), replacing(), extrema(), List.of(means()), windows(), masks())
            .flatMap(List::stream).toList();
    }

    private static SampleCase of(TensorFunction function, Operand... operands) {
        return SampleCase.of(function, operands);
    }

    private static Operand any(long... shape) {
        return Operand.of(ANY, shape);
    }

    private static Operand f32(long... shape) {
        return Operand.of(DType.F32, ANY, shape);
    }

    private static Operand mask(long... shape) {
        return Operand.of(DType.BOOL, whole(0, 1), shape);
    }

    private static List<OpRow> picking() {
        TensorFunction gather0 = x -> x[0].gather(0, x[1]);
        TensorFunction gather1 = x -> x[0].gather(1, x[1]);
        TensorFunction rows = x -> x[0].embedding(x[1]);
        return List.of(
            OpRow.of("gather", Op.Gather.class).dtypes(OpRow.ANY).cases(
                of(gather0, any(5), Operand.indices(5, 13)), of(gather1, any(2, 5), Operand.indices(5, 2, 3)),
                of(gather0, any(4, 3), Operand.of(DType.I32, whole(0, 3), 2, 2)),
                of(gather0, any(3), Operand.indices(3, 0)), of(gather0, any(1), Operand.indices(1, 1)),
                of(gather1, any(0, 5), Operand.indices(5, 0, 2)), of(gather0, any(5), Operand.indices(5, 5)),
                of(gather1, any(3, 5).laid(Layout.PERMUTED), Operand.indices(5, 3, 4).laid(Layout.FLIPPED)),
                of(gather0, any(3, 4).laid(Layout.SLICED), Operand.indices(3, 7, 4)),
                of(gather0, any(3, 4).laid(Layout.EXPANDED), Operand.indices(3, 2, 3).laid(Layout.EXPANDED)),
                of(x -> x[0].gather(-1, x[1]), any(2, 3, 4), Operand.indices(4, 2, 3, 1)),
                of(gather0, any(207), Operand.indices(207, 207)))
                .refuses(Refusal.of("gather: indices must be i32 or i64 but are f32(2)", gather0, any(3), FLOATS),
                    Refusal.of("gather: indices (2) must have the rank of x (3, 3)", gather0, any(3, 3), OUTSIDE),
                    Refusal.of("gather: indices (3, 2) must have the rank of x (2, 5) and extend no further, but along "
                        + "axis 1", gather1, any(2, 5), Operand.indices(5, 3, 2)),
                    Refusal.of("gather: axis 1 is out of range for shape (3)", gather1, any(3), OUTSIDE),
                    Refusal.whenComputed("7", gather0, any(3), OUTSIDE)),
            OpRow.of("embedding").cases(
                of(rows, any(5, 3), Operand.indices(5)), of(rows, any(5, 3), Operand.indices(5, 0)),
                of(rows, any(5, 3), Operand.indices(5, 13)), of(rows, any(4, 2, 3), Operand.indices(4, 2, 2)),
                of(rows, any(13, 5).laid(Layout.PERMUTED), Operand.of(DType.I32, whole(0, 12), 3, 2)),
                of(rows, any(4), Operand.indices(4, 3)), of(rows, any(1, 1), Operand.indices(1, 1)),
                of(rows, any(4, 3).laid(Layout.SLICED), Operand.indices(4, 5).laid(Layout.FLIPPED)),
                of(rows, any(3, 0), Operand.indices(3, 2)), of(rows, any(2, 207), Operand.indices(2, 3)),
                of(rows, any(23, 9), Operand.indices(23, 7)))
                .refuses(Refusal.of("embedding: indices must be i32 or i64 but are f32(2)", rows, any(3, 2), FLOATS),
                    Refusal.of("embedding: the table must have at least one axis but is a scalar", rows, any(), OUTSIDE),
                    Refusal.whenComputed("7", rows, any(3, 2), OUTSIDE)));
    }

    private static List<OpRow> lists() {
        TensorFunction select0 = x -> x[0].indexSelect(0, x[1]);
        TensorFunction select1 = x -> x[0].indexSelect(1, x[1]);
        TensorFunction take = x -> x[0].take(x[1]);
        TensorFunction oneHot = x -> x[1].oneHot(4, x[0].dtype()).mul(x[0]);
        TensorFunction add0 = x -> x[0].indexAdd(0, x[1], x[2]);
        TensorFunction add1 = x -> x[0].indexAdd(1, x[1], x[2]);
        return List.of(
            OpRow.of("indexSelect").dtypes(OpRow.ANY).cases(
                of(select0, any(1), Operand.indices(1, 1)), of(select0, any(5), Operand.indices(5, 13)),
                of(select0, any(3, 4), Operand.indices(3, 0)), of(select1, any(3, 4), Operand.indices(4, 2)),
                of(select1, any(0, 4), Operand.indices(4, 2)),
                of(select0, any(3, 4), Operand.of(DType.I32, values(2, 0, 2), 3)),
                of(select1, any(2, 3, 4), Operand.indices(3, 5)),
                of(x -> x[0].indexSelect(-1, x[1]), any(2, 3, 4), Operand.indices(4, 2)),
                of(select0, any(4, 3).laid(Layout.PERMUTED), Operand.indices(4, 5)),
                of(select1, any(4, 3).laid(Layout.FLIPPED), Operand.indices(3, 5).laid(Layout.SLICED)),
                of(select0, any(13, 207), Operand.indices(13, 3)).withoutDifferences())
                .refuses(Refusal.of("indexSelect: the indices must have one axis but are i64(2, 2)", select0, any(3),
                    Operand.indices(3, 2, 2)),
                    Refusal.of("indexSelect: indices must be i32 or i64 but are f32(2)", select0, any(3), FLOATS),
                    Refusal.of("indexSelect: axis 1 is out of range for shape (3)", select1, any(3), OUTSIDE),
                    Refusal.whenComputed("7", select0, any(3), OUTSIDE)),
            OpRow.of("take").dtypes(OpRow.ANY).cases(
                of(take, any(), Operand.indices(1)), of(take, any(1), Operand.indices(1, 3)),
                of(take, any(3, 4), Operand.indices(12)), of(take, any(3, 4), Operand.indices(12, 13)),
                of(take, any(3, 4), Operand.indices(12, 2, 3)), of(take, any(5), Operand.indices(5, 0)),
                of(take, any(2, 3, 4), Operand.of(DType.I32, whole(0, 23), 5)),
                of(take, any(3, 4).laid(Layout.PERMUTED), Operand.indices(12, 5)),
                of(take, any(3, 4).laid(Layout.SLICED), Operand.indices(12, 2, 2).laid(Layout.PERMUTED)),
                of(take, any(3, 4).laid(Layout.EXPANDED), Operand.indices(12, 5)),
                of(take, any(207), Operand.indices(207, 207)))
                .refuses(Refusal.of("take: indices must be i32 or i64 but are f32(2)", take, any(3), FLOATS),
                    Refusal.whenComputed("7", take, any(2, 2), OUTSIDE),
                    Refusal.whenComputed("-1", take, any(3), Operand.of(DType.I64, values(-1), 1))),
            OpRow.of("oneHot", Op.Scatter.class).dtypes(OpRow.NUMBERS).cases(
                of(oneHot, any(4), Operand.indices(4)), of(oneHot, any(4), Operand.indices(4, 1)),
                of(oneHot, any(4), Operand.indices(4, 0)), of(oneHot, any(4), Operand.indices(4, 13)),
                of(oneHot, any(3, 4), Operand.indices(4, 2, 3)),
                of(oneHot, any(1), Operand.of(DType.I32, whole(0, 3), 5)),
                of(oneHot, any(4), Operand.indices(4, 3, 2).laid(Layout.PERMUTED)),
                of(oneHot, any(4), Operand.indices(4, 5).laid(Layout.FLIPPED)),
                of(x -> x[1].oneHot(207, x[0].dtype()).mul(x[0]), any(207), Operand.indices(207, 3)),
                of(x -> x[1].oneHot(1, x[0].dtype()).add(x[0]), any(1), Operand.indices(1, 3)),
                of(x -> x[1].oneHot(4), any(1), Operand.indices(4, 2, 2)).forwardOnly())
                .refuses(Refusal.of("oneHot: indices must be i32 or i64 but are f32(2)", oneHot, any(4), FLOATS),
                    Refusal.of("oneHot: there must be at least one class but there are 0",
                        x -> x[1].oneHot(0), any(4), OUTSIDE), Refusal.whenComputed("7", oneHot, any(4), OUTSIDE)),
            OpRow.of("indexAdd").dtypes(OpRow.NUMBERS).tolerance(SUM).cases(
                of(add0, any(1), Operand.indices(1, 1), any(1)), of(add0, any(5), Operand.indices(5, 13), any(13)),
                of(add0, any(3, 4), Operand.indices(3, 0), any(0, 4)),
                of(add1, any(3, 4), Operand.indices(4, 2), any(3, 2)),
                of(add0, any(3, 4), Operand.of(DType.I32, values(2, 0, 2), 3), any(3, 4)),
                of(add1, any(2, 3, 4), Operand.indices(3, 5), any(2, 5, 4)),
                of(x -> x[0].indexAdd(-1, x[1], x[2]), any(2, 3), Operand.indices(3, 4), any(2, 4)),
                of(add0, any(4, 3).laid(Layout.PERMUTED), Operand.indices(4, 5), any(5, 3).laid(Layout.FLIPPED)),
                of(add1, any(2, 3), Operand.indices(3, 5).laid(Layout.SLICED), any(2, 5).laid(Layout.EXPANDED)),
                of(add0, any(7, 207), Operand.indices(7, 9), any(9, 207)).withoutDifferences())
                .refuses(Refusal.of("indexAdd: updates f32(2, 3) must have shape (2, 4), x's with one slice per index, and "
                    + "dtype f32", add0, f32(3, 4), OUTSIDE, f32(2, 3)),
                    Refusal.of("indexAdd: the indices must have one axis but are i64(2, 2)", add0, any(3),
                        Operand.indices(3, 2, 2), any(2)),
                    Refusal.of("indexAdd: axis 1 is out of range for shape (3)", add1, any(3), OUTSIDE, any(2)),
                    Refusal.whenComputed("7", add0, any(3), OUTSIDE, any(2))));
    }

    private static List<OpRow> replacing() {
        TensorFunction scatter0 = x -> x[0].scatter(0, x[1], x[2]);
        TensorFunction scatter1 = x -> x[0].scatter(1, x[1], x[2]);
        TensorFunction add0 = x -> x[0].scatterAdd(0, x[1], x[2]);
        TensorFunction add1 = x -> x[0].scatterAdd(1, x[1], x[2]);
        return List.of(
            OpRow.of("scatter", Op.Scatter.class).dtypes(OpRow.ANY).cases(
                of(scatter0, any(5), Operand.indices(5, 13), any(13)),
                of(scatter1, any(2, 5), Operand.indices(5, 2, 3), any(2, 3)),
                of(scatter1, any(3, 4), Operand.of(DType.I32, whole(0, 3), 2, 2), any(2, 2)),
                of(scatter0, any(3), Operand.indices(3, 0), any(0)), of(scatter0, any(1), Operand.indices(1, 1), any(1)),
                of(scatter1, any(3, 5), Operand.indices(5, 3, 1), any(3, 1)),
                of(scatter1, any(3, 5).laid(Layout.PERMUTED), Operand.indices(5, 3, 4),
                    any(3, 4).laid(Layout.FLIPPED)),
                of(scatter0, any(3, 4).laid(Layout.EXPANDED), Operand.indices(3, 5, 4).laid(Layout.EXPANDED),
                    any(5, 4)),
                of(x -> x[0].scatter(-2, x[1], x[2]), any(2, 3, 4), Operand.indices(3, 2, 4, 3), any(2, 4, 3)),
                of(x -> x[0].scatter(0, x[1].expand(9, 16), x[2]), any(5, 16), Operand.indices(5, 9, 1),
                    any(9, 16)).withoutDifferences(),
                of(scatter0, any(307), Operand.indices(307, 207), any(207)))
                .refuses(Refusal.of("scatter: updates f32(3) must have the shape of the indices (2)", scatter0, f32(3),
                    OUTSIDE, f32(3)),
                    Refusal.of("scatter: indices must be i32 or i64 but are f32(2)", scatter0, any(3), FLOATS, any(2)),
                    Refusal.of("scatter: axis 1 is out of range for shape (3)", scatter1, any(3), OUTSIDE, any(2)),
                    Refusal.whenComputed("7", scatter0, any(3), OUTSIDE, any(2))),
            OpRow.of("scatterAdd", Op.ScatterAdd.class).dtypes(OpRow.NUMBERS).tolerance(SUM).cases(
                of(add0, any(5), Operand.indices(5, 13), any(13)),
                of(add1, any(2, 5), Operand.indices(5, 2, 3), any(2, 3)),
                of(add1, any(3, 4), Operand.of(DType.I32, whole(0, 3), 2, 2), any(2, 2)),
                of(add0, any(3), Operand.indices(3, 0), any(0)), of(add0, any(1), Operand.indices(1, 5), any(5)),
                of(add1, any(3, 5), Operand.indices(5, 3, 1), any(3, 1)),
                of(add1, any(3, 5).laid(Layout.PERMUTED), Operand.indices(5, 3, 4), any(3, 4).laid(Layout.FLIPPED)),
                of(add0, any(3, 4).laid(Layout.EXPANDED), Operand.indices(3, 5, 4).laid(Layout.EXPANDED), any(5, 4)),
                of(x -> x[0].scatterAdd(-2, x[1], x[2]), any(2, 3, 4), Operand.indices(3, 2, 4, 3), any(2, 4, 3)),
                of(add0, any(31), Operand.indices(31, 207), any(207)))
                .refuses(Refusal.of("scatterAdd: updates f32(3) must have the shape of the indices (2)", add0, f32(3),
                    OUTSIDE, f32(3)),
                    Refusal.of("scatterAdd: indices must be i32 or i64 but are f32(2)", add0, any(3), FLOATS, any(2)),
                    Refusal.of("scatterAdd: indices (2) must have the rank of x (3, 3)", add0, any(3, 3), OUTSIDE,
                        any(2)),
                    Refusal.whenComputed("7", add0, any(3), OUTSIDE, any(2))));
    }

    private static List<OpRow> extrema() {
        return Stream.of(true, false).map(largest -> {
            String name = largest ? "scatterMax" : "scatterMin";
            TensorFunction along0 = x -> largest ? x[0].scatterMax(0, x[1], x[2]) : x[0].scatterMin(0, x[1], x[2]);
            TensorFunction along1 = x -> largest ? x[0].scatterMax(1, x[1], x[2]) : x[0].scatterMin(1, x[1], x[2]);
            // What is replaced lies between the updates, and nothing ties.
            Domain updates = distinct(0.5);
            Domain own = Domain.grid(-2, 2, 0.5, 0.25);
            return OpRow.of(name, ScatterExtremum.class).dtypes(OpRow.NUMBERS).cases(
                of(along0, Operand.of(own, 1), Operand.indices(1, 1), Operand.of(updates, 1)),
                of(along0, Operand.of(own, 5), Operand.indices(5, 13), Operand.of(updates, 13)),
                of(along1, Operand.of(own, 2, 5), Operand.indices(5, 2, 3), Operand.of(updates, 2, 3)),
                of(along0, Operand.of(own, 3), Operand.indices(3, 0), Operand.of(updates, 0)),
                of(along1, Operand.of(own, 3, 4), Operand.of(DType.I32, whole(0, 3), 2, 2), Operand.of(updates, 2, 2)),
                of(along0, Operand.of(own, 3, 2), Operand.indices(3, 5, 2), Operand.of(updates, 5, 2)),
                of(along1, Operand.of(own, 3, 5).laid(Layout.PERMUTED), Operand.indices(5, 3, 4),
                    Operand.of(updates, 3, 4).laid(Layout.FLIPPED)),
                of(along0, Operand.of(own, 3, 4), Operand.indices(3, 2, 4).laid(Layout.EXPANDED),
                    Operand.of(updates, 2, 4).laid(Layout.SLICED)),
                of(along0, Operand.of(own, 31), Operand.indices(31, 207), Operand.of(updates, 207)),
                // Ties share, which no difference can show.
                of(along0, Operand.of(whole(0, 2), 5), Operand.indices(5, 31), Operand.of(whole(0, 2), 31))
                    .withoutDifferences(),
                of(along0, Operand.of(values(0, -0.0, 1, Double.NaN), 4), Operand.of(DType.I64, values(0, 1, 2, 3), 8),
                    Operand.of(values(Double.NaN, 0, -0.0, 9, 1, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 1),
                        8)).forwardOnly())
                .refuses(Refusal.of(name + ": updates f32(3) must have the shape of the indices (2)", along0, f32(3),
                    OUTSIDE, f32(3)),
                    Refusal.of(name + ": indices must be i32 or i64 but are f32(2)", along0, any(3), FLOATS, any(2)),
                    Refusal.of(name + ": axis 1 is out of range for shape (3)", along1, any(3), OUTSIDE, any(2)),
                    Refusal.whenComputed("7", along0, any(3), OUTSIDE, any(2)));
        }).toList();
    }

    private static OpRow means() {
        TensorFunction mean0 = x -> x[0].scatterMean(0, x[1], x[2]);
        TensorFunction mean1 = x -> x[0].scatterMean(1, x[1], x[2]);
        return OpRow.of("scatterMean").tolerance(SUM).cases(
            of(mean0, any(1), Operand.indices(1, 1), any(1)), of(mean0, any(5), Operand.indices(5, 13), any(13)),
            of(mean1, any(2, 5), Operand.indices(5, 2, 3), any(2, 3)),
            of(mean0, any(3), Operand.indices(3, 0), any(0)),
            of(mean1, any(3, 4), Operand.of(DType.I32, whole(0, 3), 2, 2), any(2, 2)),
            of(mean0, any(3, 2), Operand.indices(3, 5, 2), any(5, 2)),
            of(mean1, any(3, 5).laid(Layout.PERMUTED), Operand.indices(5, 3, 4), any(3, 4).laid(Layout.FLIPPED)),
            of(mean0, any(3, 4), Operand.indices(3, 2, 4).laid(Layout.EXPANDED), any(2, 4).laid(Layout.SLICED)),
            of(x -> x[0].scatterMean(-2, x[1], x[2]), any(2, 3, 4), Operand.indices(3, 2, 4, 3), any(2, 4, 3)),
            of(mean0, any(31), Operand.indices(31, 207), any(207)))
            .refuses(Refusal.of("scatterMean: updates f32(3) must have the shape of the indices (2)", mean0, f32(3),
                OUTSIDE, f32(3)),
                Refusal.of("scatterMean: needs a floating dtype but got i64", mean0, OUTSIDE, OUTSIDE,
                    OUTSIDE),
                Refusal.of("scatterMean: indices must be i32 or i64 but are f32(2)", mean0, any(3), FLOATS, any(2)),
                Refusal.whenComputed("7", mean0, any(3), OUTSIDE, any(2)));
    }

    private static List<OpRow> windows() {
        TensorFunction update = x -> x[0].dynamicUpdateSlice(x[1], x[2]);
        Operand starts = Operand.of(DType.I64, values(1, 2), 2);
        return List.of(
            OpRow.of("dynamicSlice", Op.DynamicSlice.class).dtypes(OpRow.ANY).cases(
                of(x -> x[0].dynamicSlice(x[1], 2, 2), any(3, 5), starts),
                of(x -> x[0].dynamicSlice(x[1], 1, 1), any(13, 3), starts),
                of(x -> x[0].dynamicSlice(x[1], 0, 3), any(3, 5), starts),
                of(x -> x[0].dynamicSlice(x[1], 2, 3), any(3, 5).laid(Layout.PERMUTED), starts),
                of(x -> x[0].dynamicSlice(x[1], 20), any(207), Operand.of(DType.I64, values(187), 1)),
                of(x -> x[0].dynamicSlice(x[1], 1, 2), any(3, 4).laid(Layout.FLIPPED), starts),
                of(x -> x[0].dynamicSlice(x[1]), any(), Operand.of(DType.I64, ANY, 0)),
                of(x -> x[0].dynamicSlice(x[1], 1), any(1), Operand.of(DType.I64, values(0), 1)),
                of(x -> x[0].dynamicSlice(x[1], 2, 1), any(3, 4).laid(Layout.SLICED), starts),
                of(x -> x[0].dynamicSlice(x[1], 2, 2), any(3, 4).laid(Layout.EXPANDED), starts),
                of(x -> x[0].dynamicSlice(x[1], 1, 2, 2), any(2, 3, 5), Operand.of(DType.I64, values(1, 0, 3), 3)))
                .refuses(Refusal.of("dynamicSlice: a window (4, 1) does not fit in (3, 5)",
                    x -> x[0].dynamicSlice(x[1], 4, 1), any(3, 5), starts),
                    Refusal.of("dynamicSlice: starts of (3) must be i64(1) but are i64(2)",
                        x -> x[0].dynamicSlice(x[1], 1), any(3), starts),
                    Refusal.of("dynamicSlice: starts of (3, 5) must be i64(2) but are i32(2)",
                        x -> x[0].dynamicSlice(x[1], 1, 1), any(3, 5), Operand.of(DType.I32, values(0), 2)),
                    Refusal.whenComputed("2", x -> x[0].dynamicSlice(x[1], 1, 4), any(3, 5), starts)),
            OpRow.of("dynamicUpdateSlice", Op.DynamicUpdateSlice.class).dtypes(OpRow.ANY).cases(
                of(update, any(3, 5), any(2, 2), starts), of(update, any(13, 3), any(1, 1), starts),
                of(update, any(3, 5), any(0, 3), starts), of(update, any(), any(), Operand.of(DType.I64, ANY, 0)),
                of(update, any(1), any(1), Operand.of(DType.I64, values(0), 1)),
                of(update, any(3, 5).laid(Layout.PERMUTED), any(2, 3), starts),
                of(update, any(207), any(20), Operand.of(DType.I64, values(187), 1)),
                of(update, any(3, 4), any(1, 2).laid(Layout.FLIPPED), starts),
                of(update, any(3, 4).laid(Layout.EXPANDED), any(2, 2).laid(Layout.SLICED), starts),
                of(update, any(2, 3, 5), any(1, 2, 2), Operand.of(DType.I64, values(1, 0, 3), 3)))
                .refuses(Refusal.of("dynamicUpdateSlice: a window (4, 1) does not fit in (3, 5)", update, any(3, 5),
                    any(4, 1), starts),
                    Refusal.of("dynamicUpdateSlice: x is f32(3, 5) but the update is i32(1, 1): cast one", update,
                        f32(3, 5), Operand.of(DType.I32, ANY, 1, 1), starts),
                    Refusal.of("dynamicUpdateSlice: starts of (3) must be i64(1) but are i64(2)", update, any(3), any(1),
                        starts),
                    Refusal.whenComputed("2", update, any(3, 5), any(1, 4), starts)));
    }

    private static List<OpRow> masks() {
        TensorFunction fill = x -> x[0].maskedFill(x[1], 2);
        TensorFunction put = x -> x[0].maskedScatter(x[1], x[2]);
        TensorFunction select = x -> x[0].maskedSelect(x[1]);
        return List.of(
            OpRow.of("maskedFill").dtypes(OpRow.NUMBERS).cases(
                of(fill, any(), mask()), of(fill, any(0, 3), mask(0, 3)), of(fill, any(1), mask(1)),
                of(fill, any(13), mask(13)), of(fill, any(207), mask(207)), of(fill, any(3, 5), mask(5)),
                of(fill, any(3, 1), mask(3, 5)), of(fill, any(3, 5).laid(Layout.PERMUTED), mask(3, 1)),
                of(fill, any(3, 5), mask(3, 5).laid(Layout.FLIPPED)),
                of(fill, any(3, 4).laid(Layout.EXPANDED), mask(3, 4).laid(Layout.SLICED)),
                of(x -> x[0].maskedFill(x[1], 3), Operand.of(values(Double.NaN, -0.0, 1), 6), mask(6)).forwardOnly())
                .refuses(Refusal.of("maskedFill: the mask must be bool but is f32(2): compare it with something", fill,
                    any(2), FLOATS),
                    Refusal.of("maskedFill: shapes (3) and (2) do not broadcast", fill, any(3), mask(2)),
                    Refusal.of("maskedFill: shapes (2, 2) and (2, 3) do not broadcast", fill, any(2, 2), mask(2, 3))),
            OpRow.of("maskedScatter").dtypes(OpRow.ANY).cases(
                of(put, any(), mask(), any()), of(put, any(0, 3), mask(0, 3), any(2)), of(put, any(1), mask(1), any(1)),
                of(put, any(13), mask(13), any(13)), of(put, any(207), mask(207), any(207)).withoutDifferences(),
                of(put, any(3, 5), mask(5), any(15)), of(put, any(3, 5), mask(3, 1), any(5, 3)),
                of(put, any(3, 5).laid(Layout.PERMUTED), mask(3, 5).laid(Layout.FLIPPED), any(4, 4)),
                of(put, any(3, 4).laid(Layout.EXPANDED), mask(3, 4), any(3, 4).laid(Layout.SLICED)),
                of(put, any(5), Operand.of(DType.BOOL, values(0), 5), any(1)),
                of(put, any(2, 3), Operand.of(DType.BOOL, values(1, 1, 0), 2, 3), any(3, 2).laid(Layout.PERMUTED)))
                .refuses(Refusal.of("maskedScatter: the mask must be bool but is f32(2)", put, any(2), FLOATS, any(2)),
                    Refusal.of("maskedScatter: the mask (2, 3) does not broadcast to x (3)", put, any(3), mask(2, 3),
                        any(6)),
                    Refusal.of("maskedScatter: x is f32(3) but the source is i32(3): cast one", put, f32(3), mask(3),
                        Operand.of(DType.I32, ANY, 3)),
                    Refusal.whenComputed("2", put, any(3), Operand.of(DType.BOOL, values(1), 3), any(2))),
            OpRow.of("maskedSelect").shapeDependsOnValues().dtypes(OpRow.ANY).cases(
                of(select, any(), mask()), of(select, any(0, 3), mask(0, 3)), of(select, any(1), mask(1)),
                of(select, any(13), mask(13)), of(select, any(207), mask(207)), of(select, any(3, 5), mask(5)),
                of(select, any(3, 1), mask(3, 5)), of(select, any(3, 5).laid(Layout.PERMUTED), mask(3, 1)),
                of(select, any(3, 5), mask(3, 5).laid(Layout.FLIPPED)),
                of(select, any(5), Operand.of(DType.BOOL, values(0), 5)),
                of(select, any(3, 4).laid(Layout.SLICED), Operand.of(DType.BOOL, values(1), 3, 4)))
                .refuses(Refusal.of("maskedSelect: the mask must be bool but is f32(2)", select, any(2), FLOATS),
                    Refusal.of("maskedSelect: shapes (3) and (2) do not broadcast", select, any(3), mask(2)),
                    Refusal.of("maskedSelect: shapes (2, 2) and (2, 3) do not broadcast", select, any(2, 2),
                        mask(2, 3)),
                    Refusal.whenTraced("maskedSelect: the shape of the result depends on values", select, any(2),
                        mask(2))));
    }
}
