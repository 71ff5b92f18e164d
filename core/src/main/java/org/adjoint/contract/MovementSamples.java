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
        return Stream.of(views(), joins(), sources()).flatMap(List::stream).toList();
    }

    private static SampleCase of(TensorFunction function, Operand... operands) {
        return SampleCase.of(function, operands);
    }

    private static Operand any(long... shape) {
        return Operand.of(ANY, shape);
    }

    private static Refusal closed(String name, TensorFunction function) {
        return new Refusal(List.of(any(3)), x -> {
            Tensor view = x[0].flip(0);
            view.close();
            return function.apply(view);
        }, IllegalStateException.class, name + ": the tensor");
    }

    private static List<OpRow> views() {
        return List.of(
            OpRow.of("tensor", Op.Leaf.class).takesNoTensors().dtypes(OpRow.ANY).cases(
                of(x -> x[0], any()), of(x -> x[0], any(0, 2)), of(x -> x[0], any(1)), of(x -> x[0], any(13)), of(x -> x[0], any(207)), of(x -> x[0], any(2, 3, 5)),
                of(x -> x[0], any(3, 5).laid(Layout.PERMUTED)), of(x -> x[0], any(3, 5).laid(Layout.SLICED)),
                of(x -> x[0], any(3, 5).laid(Layout.FLIPPED)), of(x -> x[0], any(3, 5).laid(Layout.EXPANDED)))
                .refuses(Refusal.of("tensor: shape (2) has 2 elements but 3 values are given",
                    x -> x[0].device().tensor(new float[3], 2), any(1)),
                    Refusal.of("extents must not be negative", x -> x[0].device().tensor(new float[3], -3), any(1)),
                    Refusal.of("has more than 2^63 elements",
                        x -> x[0].device().zeros(DType.F32, 1L << 32, 1L << 32), any(1)),
                    Refusal.of("full: constant 2 is out of range for bool", x -> x[0].device().full(DType.BOOL, 2, 3),
                        any(1))),
            // By definition, its gradient is not what differences say.
            OpRow.of("stopGradient", Op.StopGradient.class).zeroGradient().cases(
                of(x -> x[0].stopGradient(), any()).withoutDifferences(),
                of(x -> x[0].stopGradient(), any(0, 2)).withoutDifferences(),
                of(x -> x[0].stopGradient(), any(1)).withoutDifferences(),
                of(x -> x[0].mul(x[0].stopGradient()), any(13)).withoutDifferences(),
                of(x -> x[0].stopGradient(), any(3, 5).laid(Layout.PERMUTED)).withoutDifferences(),
                of(x -> x[0].stopGradient(), any(3, 5).laid(Layout.SLICED)).withoutDifferences(),
                of(x -> x[0].neg().stopGradient().mul(x[0]), any(2, 3)).withoutDifferences(),
                of(x -> x[0].stopGradient().stopGradient(), any(2, 3, 5)).withoutDifferences(),
                of(x -> x[0].sub(x[0].maxKeep(-1).stopGradient()), any(3, 5)).withoutDifferences(),
                of(x -> x[0].stopGradient().add(x[0]), any(207)).withoutDifferences())
                .refuses(closed("stopGradient", x -> x[0].stopGradient()),
                    Refusal.of("gradient: the loss must be a floating scalar but is",
                        x -> x[0].stopGradient().gradient(x[0]), any(3)),
                    Refusal.of("pullback: the cotangent must be",
                        x -> x[0].stopGradient().pullback(x[0].sum(), List.of(x[0])).getFirst(), any(3))),
            OpRow.of("reshape", Op.Reshape.class).dtypes(OpRow.ANY).cases(
                of(x -> x[0].reshape(1, 1), any()), of(x -> x[0].reshape(3, 0), any(0, 5)),
                of(x -> x[0].reshape(), any(1, 1)), of(x -> x[0].reshape(2, -1), any(2, 3, 5)),
                of(x -> x[0].reshape(13), any(13, 1)), of(x -> x[0].reshape(-1, 9), any(207)),
                of(x -> x[0].reshape(3, 2, 2).reshape(12), any(4, 3)),
                of(x -> x[0].reshape(5, 3), any(3, 5).laid(Layout.PERMUTED)),
                of(x -> x[0].reshape(28), any(4, 7).laid(Layout.SLICED)),
                of(x -> x[0].reshape(2, 6), any(3, 4).laid(Layout.EXPANDED)))
                .refuses(Refusal.of("reshape: (2, 3) has 6 elements, (4) has 4", x -> x[0].reshape(4), any(2, 3)),
                    Refusal.of("reshape: (2, 3) does not divide into [4, -1]", x -> x[0].reshape(4, -1), any(2, 3)),
                    Refusal.of("has more than one -1", x -> x[0].reshape(-1, -1), any(2, 3))),
            OpRow.of("permute", Op.Permute.class).dtypes(OpRow.ANY).cases(
                of(x -> x[0].permute(), any()), of(x -> x[0].permute(1, 0), any(0, 5)),
                of(x -> x[0].permute(0), any(207)), of(x -> x[0].permute(-1, 0, -2), any(2, 3, 5)),
                of(x -> x[0].permute(2, 0, 1), any(2, 3, 5)), of(x -> x[0].transpose(), any(13, 16)),
                of(x -> x[0].permute(3, 1, 2, 0), any(2, 1, 3, 2)), of(x -> x[0].transpose(1, 1), any(2, 3)),
                of(x -> x[0].transpose(0, 2), any(2, 3, 5).laid(Layout.FLIPPED)),
                of(x -> x[0].permute(1, 0), any(3, 4).laid(Layout.SLICED)))
                .refuses(Refusal.of("permute: (2, 3) has 2 axes but 1 are named", x -> x[0].permute(0), any(2, 3)),
                    Refusal.of("permute: axis 0 is named twice", x -> x[0].permute(0, 0), any(2, 3)),
                    Refusal.of("transpose: axis -2 is out of range for shape (3)", x -> x[0].transpose(), any(3))),
            OpRow.of("expand", Op.Expand.class).dtypes(OpRow.ANY).cases(
                of(x -> x[0].expand(3, 2), any()), of(x -> x[0].expand(0, 5), any(1, 5)),
                of(x -> x[0].expand(), any()), of(x -> x[0].expand(2, -1, 4), any(3, 1)),
                of(x -> x[0].expand(4, 13), any(13)), of(x -> x[0].expand(2, 3, 5), any(3, 1)),
                of(x -> x[0].expand(3, 5), any(1, 1)), of(x -> x[0].expand(2, 3, 5), any(2, 1, 5)),
                of(x -> x[0].expand(3, 207), any(1, 207).laid(Layout.FLIPPED)),
                of(x -> x[0].expand(2, 3, 4), any(3, 4).laid(Layout.PERMUTED)))
                .refuses(Refusal.of("expand: (2) does not broadcast to (3)", x -> x[0].expand(3), any(2)),
                    Refusal.of("expand: (2, 3) does not broadcast to (3)", x -> x[0].expand(3), any(2, 3)),
                    Refusal.of("extents must not be negative", x -> x[0].expand(-2, 3), any(3))),
            OpRow.of("slice", Op.Slice.class).dtypes(OpRow.ANY).cases(
                of(x -> x[0].slice(0, 1, 1), any(3)), of(x -> x[0].slice(0, 2, 9), any(13)),
                of(x -> x[0].slice(0, 0, 1), any(1)), of(x -> x[0].slice(1, 0, 2), any(0, 3)),
                of(x -> x[0].slice(1, -3, -1), any(2, 5)), of(x -> x[0].slice(0, 1, 207, 7), any(207)),
                of(x -> x[0].slice(1, 1, 5, -2), any(2, 5)), of(x -> x[0].slice(-1, 0, 4, 3), any(2, 3, 5)),
                of(x -> x[0].flip(0, 1), any(3, 4)), of(x -> x[0].flip(1).slice(1, 1, 4, 2), any(3, 5)),
                of(x -> x[0].slice(1, 1, 3), any(3, 5).laid(Layout.PERMUTED)))
                .refuses(Refusal.of("slice: [1, 4) is no range of axis 0 of (3)", x -> x[0].slice(0, 1, 4), any(3)),
                    Refusal.of("slice: the step must not be 0", x -> x[0].slice(0, 0, 3, 0), any(3)),
                    Refusal.of("slice: axis 2 is out of range for shape (3, 4)", x -> x[0].slice(2, 0, 1), any(3, 4))));
    }

    private static List<OpRow> joins() {
        return List.of(
            OpRow.of("pad", Op.Pad.class).dtypes(OpRow.NUMBERS).cases(
                of(x -> x[0].pad(0, 1, 2, 7), any(3)), of(x -> x[0].pad(1, 0, 4, 0), any(2, 0)),
                of(x -> x[0].pad(0, 13, 0, 1), any(13, 2)), of(x -> x[0].pad(new long[0][], 1), any()),
                of(x -> x[0].pad(0, 0, 0, 5), any(1)), of(x -> x[0].pad(new long[][] {{1, 2}, {0, 3}}, 0), any(3, 4)),
                of(x -> x[0].pad(new long[][] {{-1, 2}, {1, -2}}, 9), any(3, 4)),
                of(x -> x[0].pad(0, -2, -1, 0), any(3)),
                of(x -> x[0].pad(-1, 1, 1, 0), any(3, 5).laid(Layout.PERMUTED)),
                of(x -> x[0].pad(0, 3, 1, 0), any(207)), of(x -> x[0].pad(1, 2, 2, 0), any(3, 4).laid(Layout.FLIPPED)))
                .refuses(Refusal.of("pad: axis 1 is out of range for shape (3)", x -> x[0].pad(1, 1, 1, 0), any(3)),
                    Refusal.of("pad: axis 0 of (3) has too few elements to cut off 2 and 2",
                        x -> x[0].pad(0, -2, -2, 0), any(3)),
                    Refusal.of("for each of its 2 axes but got [[1, 1]]",
                        x -> x[0].pad(new long[][] {{1, 1}}, 0), any(2, 3))),
            OpRow.of("concat", Op.Concat.class).dtypes(OpRow.ANY).cases(
                of(x -> Tensor.concat(0, List.of(x)), any(1), any(1)),
                of(x -> Tensor.concat(0, List.of(x)), any(0, 3), any(2, 3)),
                of(x -> Tensor.concat(1, List.of(x)), any(3, 1), any(3, 13), any(3, 2)),
                of(x -> Tensor.concat(0, List.of(x)), any(3, 5)),
                of(x -> Tensor.concat(-2, List.of(x)), any(2, 2, 3), any(2, 1, 3)),
                of(x -> Tensor.concat(0, List.of(x)), any(207), any(13)),
                of(x -> Tensor.concat(0, List.of(x[0], x[1].to(x[0].dtype()))), any(2),
                    Operand.of(DType.BOOL, whole(0, 1), 3)),
                of(x -> Tensor.concat(1, List.of(x)), any(3, 4).laid(Layout.EXPANDED), any(3, 2).laid(Layout.SLICED)),
                of(x -> Tensor.concat(-1, List.of(x)), any(3, 5).laid(Layout.PERMUTED), any(3, 4).laid(Layout.FLIPPED)),
                of(x -> Tensor.concat(0, List.of(x[0], x[0])), any(13)))
                .refuses(Refusal.of("concat: (2, 3) and (2, 4) differ outside axis 0",
                    x -> Tensor.concat(0, List.of(x)), any(2, 3), any(2, 4)),
                    Refusal.of("concat: axis 1 is out of range for shape (2)", x -> Tensor.concat(1, List.of(x)),
                        any(2), any(2)),
                    Refusal.of("concat: (2) and (2, 2) differ outside axis 0", x -> Tensor.concat(0, List.of(x)),
                        any(2), any(2, 2)),
                    Refusal.of("concat: there is no tensor to join", x -> Tensor.concat(0, List.of()), any(2))));
    }

    private static List<OpRow> sources() {
        Tolerance same = Tolerance.exact("random bits, and what exact steps make of them, are the same everywhere");
        Tolerance constant = Tolerance.exact("the values are given");
        return List.of(
            OpRow.of("full", Op.Constant.class).tolerance(constant).cases(
                of(x -> x[0].mul(0.1), any()), of(x -> x[0].add(-3), any(0)), of(x -> x[0].sub(2.5), any(13)),
                of(x -> x[0].device().full(x[0].dtype(), 0.1, 207).add(x[0]), any()),
                of(x -> x[0].add(x[0].device().ones(x[0].dtype(), 2, 3)), any(3)),
                of(x -> x[0].add(x[0].device().zeros(x[0].dtype(), 2, 3).transpose()), any(3, 2)),
                of(x -> x[0].mul(x[0].device().full(x[0].dtype(), Double.POSITIVE_INFINITY, 3)), any(3)).forwardOnly(),
                of(x -> x[0].add(x[0].device().full(x[0].dtype(), Double.NaN)), any(3)).forwardOnly(),
                of(x -> x[0].mul(x[0].device().full(x[0].dtype(), -0.0, 3)), any(3)).forwardOnly(),
                of(x -> x[0].add(x[0].device().full(x[0].dtype(), 1e-3, 13).flip(0)), any(13)))
                .refuses(Refusal.of("full: constant 0.5 does not fit i32", x -> x[0].device().full(DType.I32, 0.5, 2),
                    any()),
                    Refusal.of("full: constant 300 is out of range for u8, which holds 0 to 255: use a wider dtype",
                        x -> x[0].device().full(DType.U8, 300, 2), any()),
                    Refusal.of("extents must not be negative", x -> x[0].device().full(DType.F32, 1, -2), any())),
            OpRow.of("arange", Op.Iota.class).dtypes(OpRow.NUMBERS).tolerance(constant).cases(
                of(x -> x[0].device().arange(x[0].dtype(), 0).add(x[0]), any(1)),
                of(x -> x[0].device().arange(x[0].dtype(), 1).add(x[0]), any(1)),
                of(x -> x[0].device().arange(x[0].dtype(), 13).add(x[0]), any(13)),
                of(x -> x[0].device().arange(x[0].dtype(), 207).add(x[0]), any(1)),
                of(x -> x[0].device().arange(x[0].dtype(), 12).reshape(3, 4).add(x[0]), any(4)),
                of(x -> x[0].device().arange(x[0].dtype(), 7).flip(0).add(x[0]), any(7)),
                of(x -> x[0].device().arange(x[0].dtype(), 5).unsqueeze(1).add(x[0]), any(5, 3)),
                of(x -> x[0].device().arange(x[0].dtype(), 2, 12, 3).add(x[0]), any()),
                of(x -> x[0].device().arange(x[0].dtype(), 9, 2, -2).add(x[0]), any(4)),
                of(x -> x[0].device().arange(x[0].dtype(), 3, 3, 1).add(x[0]), any()))
                .refuses(Refusal.of("arange: there is no way from 0.0 to 1.0 in steps of 0.0",
                    x -> x[0].device().arange(DType.F32, 0, 1, 0), any(1)),
                    Refusal.of("arange: constant 1.5 does not fit i64", x -> x[0].device().arange(DType.I64, 1.5, 4, 1),
                        any(1)),
                    Refusal.of("arange: the count must not be negative but is -1",
                    x -> x[0].device().arange(DType.F32, -1), any(1))));
    }
}
