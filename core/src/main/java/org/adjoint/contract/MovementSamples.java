package org.adjoint.contract;

import static org.adjoint.contract.Domain.uniform;
import static org.adjoint.contract.Domain.values;
import static org.adjoint.contract.Domain.whole;

import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.adjoint.Tensor;
import org.adjoint.contract.Operand.Layout;
import org.adjoint.gradcheck.TensorFunction;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;

/** Samples of what only moves elements, and of what makes them. */
final class MovementSamples {
    private static final Domain ANY = uniform(-3, 3);

    private MovementSamples() { }

    static List<OpRow> rows() {
        return Stream.of(views(), joins(), indexing(), sources()).flatMap(List::stream).toList();
    }

    private static SampleCase of(TensorFunction function, Operand... operands) {
        return SampleCase.of(function, operands);
    }

    private static Operand any(long... shape) {
        return Operand.of(ANY, shape);
    }

    private static List<OpRow> views() {
        return List.of(
            OpRow.of("tensor", Op.Leaf.class).dtypes(OpRow.ANY).cases(of(x -> x[0], any()), of(x -> x[0], any(0, 2)),
                of(x -> x[0], any(1)), of(x -> x[0], any(13)), of(x -> x[0], any(207))),
            // By definition, its gradient is not what differences say.
            OpRow.of("stopGradient", Op.StopGradient.class).zeroGradient().cases(
                of(x -> x[0].stopGradient(), any()).withoutDifferences(),
                of(x -> x[0].stopGradient(), any(0, 2)).withoutDifferences(),
                of(x -> x[0].mul(x[0].stopGradient()), any(13)).withoutDifferences(),
                of(x -> x[0].stopGradient(), any(3, 5).laid(Layout.PERMUTED)).withoutDifferences(),
                of(x -> x[0].stopGradient().add(x[0]), any(207)).withoutDifferences()),
            OpRow.of("reshape", Op.Reshape.class).dtypes(OpRow.ANY).cases(
                of(x -> x[0].reshape(1, 1), any()), of(x -> x[0].reshape(3, 0), any(0, 5)),
                of(x -> x[0].reshape(13), any(13, 1)), of(x -> x[0].reshape(-1, 9), any(207)),
                of(x -> x[0].reshape(5, 3), any(3, 5).laid(Layout.PERMUTED)),
                of(x -> x[0].reshape(28), any(4, 7).laid(Layout.SLICED)),
                of(x -> x[0].reshape(2, 6), any(3, 4).laid(Layout.EXPANDED)))
                .refuses(Refusal.of("reshape: (2, 3) has 6 elements, (4) has 4", x -> x[0].reshape(4), any(2, 3)),
                    Refusal.of("has more than one -1", x -> x[0].reshape(-1, -1), any(2, 3))),
            OpRow.of("permute", Op.Permute.class).dtypes(OpRow.ANY).cases(
                of(x -> x[0].permute(), any()), of(x -> x[0].permute(1, 0), any(0, 5)),
                of(x -> x[0].permute(2, 0, 1), any(2, 3, 5)), of(x -> x[0].transpose(), any(13, 16)),
                of(x -> x[0].transpose(0, 2), any(2, 3, 5).laid(Layout.FLIPPED)),
                of(x -> x[0].permute(1, 0), any(3, 4).laid(Layout.SLICED)))
                .refuses(Refusal.of("permute: (2, 3) has 2 axes but 1 are named", x -> x[0].permute(0), any(2, 3)),
                    Refusal.of("permute: axis 0 is named twice", x -> x[0].permute(0, 0), any(2, 3)),
                    Refusal.of("transpose: axis -2 is out of range for shape (3)", x -> x[0].transpose(), any(3))),
            OpRow.of("expand", Op.Expand.class).dtypes(OpRow.ANY).cases(
                of(x -> x[0].expand(3, 2), any()), of(x -> x[0].expand(0, 5), any(1, 5)),
                of(x -> x[0].expand(4, 13), any(13)), of(x -> x[0].expand(2, 3, 5), any(3, 1)),
                of(x -> x[0].expand(3, 207), any(1, 207).laid(Layout.FLIPPED)),
                of(x -> x[0].expand(2, 3, 4), any(3, 4).laid(Layout.PERMUTED)))
                .refuses(Refusal.of("expand: (2) does not broadcast to (3)", x -> x[0].expand(3), any(2))),
            OpRow.of("slice", Op.Slice.class).dtypes(OpRow.ANY).cases(
                of(x -> x[0].slice(0, 1, 1), any(3)), of(x -> x[0].slice(0, 2, 9), any(13)),
                of(x -> x[0].slice(1, -3, -1), any(2, 5)), of(x -> x[0].slice(0, 1, 207, 7), any(207)),
                of(x -> x[0].flip(0, 1), any(3, 4)), of(x -> x[0].flip(1).slice(1, 1, 4, 2), any(3, 5)),
                of(x -> x[0].slice(1, 1, 3), any(3, 5).laid(Layout.PERMUTED)))
                .refuses(Refusal.of("slice: [1, 4) is no range of axis 0 of (3)", x -> x[0].slice(0, 1, 4), any(3)),
                    Refusal.of("slice: axis 2 is out of range for shape (3, 4)", x -> x[0].slice(2, 0, 1), any(3, 4))));
    }

    private static List<OpRow> joins() {
        return List.of(
            OpRow.of("pad", Op.Pad.class).dtypes(OpRow.NUMBERS).cases(
                of(x -> x[0].pad(0, 1, 2, 7), any(3)), of(x -> x[0].pad(1, 0, 4, 0), any(2, 0)),
                of(x -> x[0].pad(0, 13, 0, 1), any(13, 2)),
                of(x -> x[0].pad(-1, 1, 1, 0), any(3, 5).laid(Layout.PERMUTED)),
                of(x -> x[0].pad(0, 3, 1, 0), any(207)), of(x -> x[0].pad(1, 2, 2, 0), any(3, 4).laid(Layout.FLIPPED)))
                .refuses(Refusal.of("pad: axis 1 is out of range for shape (3)", x -> x[0].pad(1, 1, 1, 0), any(3))),
            OpRow.of("concat", Op.Concat.class).dtypes(OpRow.ANY).cases(
                of(x -> Tensor.concat(0, List.of(x)), any(1), any(1)),
                of(x -> Tensor.concat(0, List.of(x)), any(0, 3), any(2, 3)),
                of(x -> Tensor.concat(1, List.of(x)), any(3, 1), any(3, 13), any(3, 2)),
                of(x -> Tensor.stack(List.of(x)), any(2, 3), any(2, 3)),
                of(x -> Tensor.stack(List.of(x)), any(), any()),
                of(x -> Tensor.concat(-1, List.of(x)), any(3, 5).laid(Layout.PERMUTED), any(3, 4).laid(Layout.FLIPPED)),
                of(x -> Tensor.concat(0, List.of(x[0], x[0])), any(13)))
                .refuses(Refusal.of("concat: (2, 3) and (2, 4) differ outside axis 0",
                    x -> Tensor.concat(0, List.of(x)), any(2, 3), any(2, 4))));
    }

    private static List<OpRow> indexing() {
        TensorFunction gather0 = x -> x[0].gather(0, x[1]);
        TensorFunction gather1 = x -> x[0].gather(1, x[1]);
        TensorFunction scatter0 = x -> x[0].scatterAdd(0, x[1], x[2]);
        TensorFunction scatter1 = x -> x[0].scatterAdd(1, x[1], x[2]);
        TensorFunction rows = x -> x[0].embedding(x[1]);
        TensorFunction update = x -> x[0].dynamicUpdateSlice(x[1], x[2]);
        Operand outside = Operand.of(DType.I64, values(0, 7), 2);
        Operand starts = Operand.of(DType.I64, values(1, 2), 2);
        return List.of(
            OpRow.of("gather", Op.Gather.class).dtypes(OpRow.ANY).cases(
                of(gather0, any(5), Operand.indices(5, 13)), of(gather1, any(2, 5), Operand.indices(5, 2, 3)),
                of(gather0, any(4, 3), Operand.of(DType.I32, whole(0, 3), 2, 2)),
                of(gather0, any(3), Operand.indices(3, 0)),
                of(gather1, any(3, 5).laid(Layout.PERMUTED), Operand.indices(5, 3, 4).laid(Layout.FLIPPED)),
                of(gather0, any(3, 4).laid(Layout.SLICED), Operand.indices(3, 7, 4)),
                of(gather0, any(207), Operand.indices(207, 207)))
                .refuses(Refusal.of("gather: indices must be i32 or i64 but are f32(2)", gather0, any(3),
                    Operand.of(DType.F32, whole(0, 1), 2)),
                    Refusal.of("gather: indices (2) must have the rank of x (3, 3)", gather0, any(3, 3), outside),
                    Refusal.whenComputed("7", gather0, any(3), outside)),
            OpRow.of("embedding").cases(
                of(rows, any(5, 3), Operand.indices(5)), of(rows, any(5, 3), Operand.indices(5, 0)),
                of(rows, any(5, 3), Operand.indices(5, 13)), of(rows, any(4, 2, 3), Operand.indices(4, 2, 2)),
                of(rows, any(13, 5).laid(Layout.PERMUTED), Operand.of(DType.I32, whole(0, 12), 3, 2)),
                of(rows, any(23, 9), Operand.indices(23, 7)))
                .refuses(Refusal.of("embedding: indices must be i32 or i64 but are f32(2)", rows, any(3, 2),
                    Operand.of(DType.F32, whole(0, 1), 2)), Refusal.whenComputed("7", rows, any(3, 2), outside)),
            OpRow.of("scatterAdd", Op.ScatterAdd.class).dtypes(OpRow.NUMBERS)
                .tolerance(Tolerance.summing(16, "several updates may be added to one element, one rounding each")
                    .roundings(16))
                .cases(of(scatter0, any(5), Operand.indices(5, 13), any(13)),
                    of(scatter1, any(2, 5), Operand.indices(5, 2, 3), any(2, 3)),
                    of(scatter1, any(3, 4), Operand.of(DType.I32, whole(0, 3), 2, 2), any(2, 2)),
                    of(scatter0, any(3), Operand.indices(3, 0), any(0)),
                    of(scatter1, any(3, 5).laid(Layout.PERMUTED), Operand.indices(5, 3, 4),
                        any(3, 4).laid(Layout.FLIPPED)),
                    of(scatter0, any(31), Operand.indices(31, 207), any(207)))
                .refuses(Refusal.of("scatterAdd: updates f32(3) must have the shape of the indices (2)", scatter0,
                    Operand.of(DType.F32, ANY, 3), outside, Operand.of(DType.F32, ANY, 3)),
                    Refusal.whenComputed("7", scatter0, any(3), outside, any(2))),
            OpRow.of("dynamicSlice", Op.DynamicSlice.class).dtypes(OpRow.ANY).cases(
                of(x -> x[0].dynamicSlice(x[1], 2, 2), any(3, 5), starts),
                of(x -> x[0].dynamicSlice(x[1], 1, 1), any(13, 3), starts),
                of(x -> x[0].dynamicSlice(x[1], 0, 3), any(3, 5), starts),
                of(x -> x[0].dynamicSlice(x[1], 2, 3), any(3, 5).laid(Layout.PERMUTED), starts),
                of(x -> x[0].dynamicSlice(x[1], 20), any(207), Operand.of(DType.I64, values(187), 1)),
                of(x -> x[0].dynamicSlice(x[1], 1, 2), any(3, 4).laid(Layout.FLIPPED), starts))
                .refuses(Refusal.of("dynamicSlice: a window (4, 1) does not fit in (3, 5)",
                    x -> x[0].dynamicSlice(x[1], 4, 1), any(3, 5), starts),
                    Refusal.of("dynamicSlice: starts of (3) must be i64(1) but are i64(2)",
                        x -> x[0].dynamicSlice(x[1], 1), any(3), starts),
                    Refusal.whenComputed("2", x -> x[0].dynamicSlice(x[1], 1, 4), any(3, 5), starts)),
            OpRow.of("dynamicUpdateSlice", Op.DynamicUpdateSlice.class).dtypes(OpRow.ANY).cases(
                of(update, any(3, 5), any(2, 2), starts), of(update, any(13, 3), any(1, 1), starts),
                of(update, any(3, 5), any(0, 3), starts),
                of(update, any(3, 5).laid(Layout.PERMUTED), any(2, 3), starts),
                of(update, any(207), any(20), Operand.of(DType.I64, values(187), 1)),
                of(update, any(3, 4), any(1, 2).laid(Layout.FLIPPED), starts))
                .refuses(Refusal.of("dynamicUpdateSlice: a window (4, 1) does not fit in (3, 5)", update, any(3, 5),
                    any(4, 1), starts), Refusal.whenComputed("2", update, any(3, 5), any(1, 4), starts)));
    }

    private static List<OpRow> sources() {
        Tolerance same = Tolerance.exact("random bits, and what exact steps make of them, are the same everywhere");
        Tolerance constant = Tolerance.exact("the values are given");
        return List.of(
            OpRow.of("full", Op.Constant.class).tolerance(constant).cases(
                of(x -> x[0].mul(0.1), any()), of(x -> x[0].add(-3), any(0)), of(x -> x[0].sub(2.5), any(13)),
                of(x -> x[0].device().full(x[0].dtype(), 0.1, 207).add(x[0]), any()),
                of(x -> x[0].add(x[0].device().ones(x[0].dtype(), 2, 3)), any(3))),
            OpRow.of("arange", Op.Iota.class).dtypes(OpRow.NUMBERS).tolerance(constant).cases(
                of(x -> x[0].device().arange(x[0].dtype(), 0).add(x[0]), any(1)),
                of(x -> x[0].device().arange(x[0].dtype(), 1).add(x[0]), any(1)),
                of(x -> x[0].device().arange(x[0].dtype(), 13).add(x[0]), any(13)),
                of(x -> x[0].device().arange(x[0].dtype(), 207).add(x[0]), any(1)),
                of(x -> x[0].device().arange(x[0].dtype(), 12).reshape(3, 4).add(x[0]), any(4)))
                .refuses(Refusal.of("iota: the count must not be negative but is -1",
                    x -> x[0].device().arange(DType.F32, -1), any(1))),
            OpRow.of("randomBits", Op.RandomBits.class).dtypes(Set.of(DType.I32)).notDifferentiable()
                .tolerance(same).cases(of(x -> x[0].device().random().bits(), any()),
                    of(x -> x[0].device().random().bits(0, 3), any()), of(x -> x[0].device().random().bits(13), any()),
                    of(x -> x[0].device().random().bits(3, 5).transpose(), any()),
                    of(x -> x[0].device().random().bits(4099), any())),
            OpRow.of("uniform").notDifferentiable().tolerance(same).cases(
                of(x -> x[0].device().random().uniform(x[0].dtype()), any()),
                of(x -> x[0].device().random().uniform(x[0].dtype(), 0), any()),
                of(x -> x[0].device().random().uniform(x[0].dtype(), 13), any()),
                of(x -> x[0].device().random().uniform(x[0].dtype(), 3, 5).flip(0), any()),
                of(x -> x[0].device().random().uniform(x[0].dtype(), 4099), any())),
            OpRow.of("bernoulli").notDifferentiable().tolerance(same).cases(
                of(x -> x[0].device().random().bernoulli(0.3), any()),
                of(x -> x[0].device().random().bernoulli(0, 13), any()),
                of(x -> x[0].device().random().bernoulli(1, 13), any()),
                of(x -> x[0].device().random().bernoulli(0.7, 3, 69), any()),
                of(x -> x[0].device().random().bernoulli(0.1, 4099), any()))
                .refuses(Refusal.of("bernoulli: the probability must be in [0, 1] but is 1.5",
                    x -> x[0].device().random().bernoulli(1.5, 2), any())));
    }
}
