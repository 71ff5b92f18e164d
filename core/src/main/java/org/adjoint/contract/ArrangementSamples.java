package org.adjoint.contract;

import static org.adjoint.contract.Domain.uniform;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.adjoint.Slice;
import org.adjoint.Tensor;
import org.adjoint.contract.Operand.Layout;
import org.adjoint.gradcheck.TensorFunction;
import org.adjoint.graph.DType;
import org.adjoint.graph.PadMode;

/** Samples of arrangements that are made of views, padding and concatenation. */
final class ArrangementSamples {
    private static final Domain ANY = uniform(-3, 3);

    private ArrangementSamples() { }

    static List<OpRow> rows() {
        return Stream.of(axes(), parts(), order(), repetition(), matrices(), grids()).flatMap(List::stream).toList();
    }

    private static SampleCase of(TensorFunction function, Operand... operands) {
        return SampleCase.of(function, operands);
    }

    /** A function of one tensor, on tensors of these shapes, and on others that lie differently. */
    private static List<SampleCase> each(UnaryOperator<Tensor> function, long[][] shapes, Operand... others) {
        List<SampleCase> cases = new ArrayList<>();
        for (long[] shape : shapes) {
            cases.add(of(x -> function.apply(x[0]), any(shape)));
        }
        for (Operand other : others) {
            cases.add(of(x -> function.apply(x[0]), other));
        }
        return cases;
    }

    private static Operand any(long... shape) {
        return Operand.of(ANY, shape);
    }

    private static Refusal refusal(String message, UnaryOperator<Tensor> function, long... shape) {
        return Refusal.of(message, x -> function.apply(x[0]), any(shape));
    }

    private static OpRow row(String name) {
        return OpRow.of(name).dtypes(OpRow.ANY);
    }

    private static List<OpRow> axes() {
        return List.of(
            row("flatten").cases(
                of(x -> x[0].flatten(), any()), of(x -> x[0].flatten(), any(0, 3)), of(x -> x[0].flatten(), any(13)),
                of(x -> x[0].flatten(), any(3, 69)), of(x -> x[0].flatten(1, 2), any(2, 3, 5)),
                of(x -> x[0].flatten(0, 1), any(2, 3, 5)), of(x -> x[0].flatten(-2, -1), any(2, 3, 1, 4)),
                of(x -> x[0].flatten(1, 1), any(2, 3)), of(x -> x[0].flatten(), any(3, 5).laid(Layout.PERMUTED)),
                of(x -> x[0].flatten(0, 1), any(3, 4, 2).laid(Layout.FLIPPED)))
                .refuses(refusal("flatten: axis 2 is out of range for shape (2, 3)", x -> x.flatten(0, 2), 2, 3),
                    refusal("flatten: axis 1 of (2, 3) lies behind axis 0", x -> x.flatten(1, 0), 2, 3),
                    refusal("flatten: axis -3 is out of range for shape (2, 3)", x -> x.flatten(-3, 1), 2, 3)),
            row("unflatten").cases(
                of(x -> x[0].unflatten(0, 1, 1), any(1)), of(x -> x[0].unflatten(0, 3, 0), any(0)),
                of(x -> x[0].unflatten(0, 13, 1), any(13)), of(x -> x[0].unflatten(0, -1, 9), any(207)),
                of(x -> x[0].unflatten(1, 2, 3), any(2, 6, 3)), of(x -> x[0].unflatten(-1, 2, -1), any(3, 6)),
                of(x -> x[0].unflatten(0, 2, 2, 2), any(8, 2)), of(x -> x[0].unflatten(1, 5), any(2, 5)),
                of(x -> x[0].unflatten(0, 2, 2), any(4, 3).laid(Layout.PERMUTED)),
                of(x -> x[0].unflatten(1, 2, 2), any(3, 4).laid(Layout.SLICED)))
                .refuses(refusal("unflatten: axis 1 of (2, 6) does not divide into [4, 2]", x -> x.unflatten(1, 4, 2),
                    2, 6),
                    refusal("unflatten: (6) does not divide into [4, -1]", x -> x.unflatten(1, 4, -1), 2, 6),
                    refusal("unflatten: [-1, -1] has more than one -1", x -> x.unflatten(1, -1, -1), 2, 6),
                    refusal("unflatten: axis 2 is out of range for shape (2, 6)", x -> x.unflatten(2, 2, 3), 2, 6)),
            row("unsqueeze").cases(
                of(x -> x[0].unsqueeze(0), any()), of(x -> x[0].unsqueeze(-1), any()),
                of(x -> x[0].unsqueeze(1), any(0, 3)),
                of(x -> x[0].unsqueeze(0), any(13)), of(x -> x[0].unsqueeze(1), any(207)),
                of(x -> x[0].unsqueeze(-1), any(2, 3)),
                of(x -> x[0].unsqueeze(1), any(2, 3)), of(x -> x[0].unsqueeze(-3), any(2, 3)),
                of(x -> x[0].unsqueeze(1), any(3, 4).laid(Layout.PERMUTED)),
                of(x -> x[0].unsqueeze(2), any(3, 4).laid(Layout.SLICED)))
                .refuses(refusal("unsqueeze: axis 2 is out of range for (3) with one axis more: use -2 to 1",
                    x -> x.unsqueeze(2), 3),
                    refusal("unsqueeze: axis -3 is out of range for (3) with one axis more: use -2 to 1",
                        x -> x.unsqueeze(-3), 3),
                    refusal("unsqueeze: axis 1 is out of range for () with one axis more: use -1 to 0",
                        x -> x.unsqueeze(1))),
            row("squeeze").cases(
                of(x -> x[0].squeeze(), any()), of(x -> x[0].squeeze(0), any(1)), of(x -> x[0].squeeze(), any(1, 0, 1)),
                of(x -> x[0].squeeze(1), any(13, 1)), of(x -> x[0].squeeze(), any(1, 207, 1)),
                of(x -> x[0].squeeze(), any(2, 3)),
                of(x -> x[0].squeeze(0, -1), any(1, 3, 1, 1)), of(x -> x[0].squeeze(-2), any(2, 1, 3)),
                of(x -> x[0].squeeze(1), any(3, 1, 4).laid(Layout.PERMUTED)),
                of(x -> x[0].squeeze(), any(3, 1, 4).laid(Layout.FLIPPED)))
                .refuses(refusal("squeeze: axis 1 of (1, 3) has 3 elements, not 1", x -> x.squeeze(1), 1, 3),
                    refusal("squeeze: axis 2 is out of range for shape (1, 3)", x -> x.squeeze(2), 1, 3),
                    refusal("squeeze: axis -2 is named twice", x -> x.squeeze(0, -2), 1, 3)),
            row("moveAxis").cases(
                of(x -> x[0].moveAxis(0, 0), any(1)), of(x -> x[0].moveAxis(0, 1), any(0, 3)),
                of(x -> x[0].moveAxis(0, -1), any(13, 2)), of(x -> x[0].moveAxis(2, 0), any(2, 3, 5)),
                of(x -> x[0].moveAxis(0, 2), any(2, 3, 5)), of(x -> x[0].moveAxis(1, 2), any(2, 3, 5)),
                of(x -> x[0].swapAxes(0, 2), any(2, 3, 5)), of(x -> x[0].moveAxis(-1, 1), any(2, 3, 1, 4)),
                of(x -> x[0].moveAxis(0, 1), any(3, 69).laid(Layout.FLIPPED)),
                of(x -> x[0].moveAxis(0, 1), any(3, 4).laid(Layout.SLICED)))
                .refuses(refusal("moveAxis: axis 2 is out of range for shape (2, 3)", x -> x.moveAxis(2, 0), 2, 3),
                    refusal("moveAxis: axis -3 is out of range for shape (2, 3)", x -> x.moveAxis(0, -3), 2, 3),
                    refusal("moveAxis: axis 0 is out of range for shape ()", x -> x.moveAxis(0, 0))));
    }

    private static List<OpRow> parts() {
        return List.of(
            row("sliceRanges").cases(
                of(x -> x[0].slice(), any()), of(x -> x[0].slice(Slice.all()), any(0)),
                of(x -> x[0].slice(Slice.all().step(-1)), any(13)),
                of(x -> x[0].slice(Slice.from(-5).step(2)), any(207)),
                of(x -> x[0].slice(Slice.range(10, 2).step(-3)), any(13)), of(x -> x[0].slice(Slice.at(-1)), any(3)),
                of(x -> x[0].slice(Slice.range(-100, 100), Slice.until(-1)), any(3, 4)),
                of(x -> x[0].slice(Slice.range(2, 1)), any(3, 4)),
                of(x -> x[0].slice(Slice.at(1), Slice.all().step(-2), Slice.at(-2)), any(2, 5, 3)),
                of(x -> x[0].slice(Slice.from(100).step(-2), Slice.until(-100).step(-1)),
                    any(4, 3).laid(Layout.PERMUTED)),
                of(x -> x[0].slice(Slice.from(1), Slice.from(2)), any(3, 4).laid(Layout.FLIPPED)),
                of(x -> x[0].slice(1, -3, -1, -1), any(2, 5)))
                .refuses(refusal("slice: index 3 is out of range for axis 0, which has 3 elements",
                    x -> x.slice(Slice.at(3)), 3),
                    refusal("slice: (3) has fewer axes than [:, 0]", x -> x.slice(Slice.all(), Slice.at(0)), 3),
                    refusal("slice: the step must not be 0", x -> x.slice(Slice.all().step(0)), 3),
                    refusal("slice: -4 is one element and takes no step", x -> x.slice(Slice.at(-4).step(2)), 3),
                    refusal("slice: index -4 is out of range", x -> x.slice(Slice.at(-4)), 3)),
            row("narrow").cases(
                of(x -> x[0].narrow(0, 0, 1), any(1)), of(x -> x[0].narrow(0, 2, 0), any(3)),
                of(x -> x[0].narrow(0, 0, 0), any(0)),
                of(x -> x[0].narrow(0, 3, 7), any(13)), of(x -> x[0].narrow(0, 1, 205), any(207)),
                of(x -> x[0].narrow(1, -3, 2), any(2, 5)), of(x -> x[0].narrow(-1, 0, 2), any(2, 3, 5)),
                of(x -> x[0].narrow(1, 1, 1), any(2, 3, 5)),
                of(x -> x[0].narrow(0, 1, 2), any(3, 4).laid(Layout.PERMUTED)),
                of(x -> x[0].narrow(1, 1, 2), any(3, 4).laid(Layout.FLIPPED)))
                .refuses(refusal("narrow: 2 elements from 2 on are not all in axis 0 of (3)", x -> x.narrow(0, 2, 2),
                    3),
                    refusal("narrow: -1 elements from 0 on", x -> x.narrow(0, 0, -1), 3),
                    refusal("narrow: axis 1 is out of range for shape (3)", x -> x.narrow(1, 0, 1), 3),
                    refusal("narrow: 1 elements from -4 on", x -> x.narrow(0, -4, 1), 3)),
            row("split").cases(
                of(x -> x[0].split(0, 1).get(0), any(1)), of(x -> x[0].split(0, 4).get(0), any(0, 2)),
                of(x -> x[0].split(0, 5).get(2), any(13)), of(x -> x[0].split(0, 100).get(2), any(207)),
                of(x -> x[0].split(1, 2, 0, 3).get(2), any(2, 5)), of(x -> x[0].split(1, 2, 0, 3).get(1), any(2, 5)),
                of(x -> Tensor.concat(1, x[0].split(1, 2).reversed()), any(3, 5)),
                of(x -> x[0].split(-1, 1, 4).get(1), any(2, 3, 5)),
                of(x -> x[0].split(0, 2).get(1), any(3, 5).laid(Layout.PERMUTED)),
                of(x -> x[0].split(1, 3).get(0), any(2, 4).laid(Layout.SLICED)))
                .refuses(refusal("split: parts must have at least one element but the size is 0",
                    x -> x.split(0, 0).get(0), 3),
                    refusal("split: parts of [2, 2] must not be negative and must add up to axis 0 of (3)",
                        x -> x.split(0, 2, 2).get(0), 3),
                    refusal("split: parts of [4, -1]", x -> x.split(0, 4, -1).get(0), 3),
                    refusal("split: axis 1 is out of range for shape (3)", x -> x.split(1, 2).get(0), 3)),
            row("chunk").cases(
                of(x -> x[0].chunk(0, 1).get(0), any(1)), of(x -> x[0].chunk(0, 3).get(0), any(0, 2)),
                of(x -> x[0].chunk(0, 4).get(3), any(13)), of(x -> x[0].chunk(0, 2).get(1), any(207)),
                of(x -> x[0].chunk(1, 4).getLast(), any(2, 5)), of(x -> x[0].chunk(-1, 2).get(0), any(2, 3, 4)),
                of(x -> Tensor.concat(0, x[0].chunk(1, 2)), any(3, 4)), of(x -> x[0].chunk(0, 9).getLast(), any(3, 2)),
                of(x -> x[0].chunk(1, 2).get(1), any(3, 4).laid(Layout.PERMUTED)),
                of(x -> x[0].chunk(0, 2).get(1), any(3, 4).laid(Layout.FLIPPED)))
                .refuses(refusal("chunk: there must be at least one part but the count is 0",
                    x -> x.chunk(0, 0).get(0), 3),
                    refusal("chunk: axis 1 is out of range for shape (3)", x -> x.chunk(1, 2).get(0), 3),
                    refusal("chunk: axis 0 is out of range for shape (), which has no axes",
                        x -> x.chunk(0, 2).get(0))),
            row("unbind").cases(
                of(x -> x[0].unbind(0).get(0), any(1)), of(x -> x[0].unbind(0).get(1), any(3, 0)),
                of(x -> x[0].unbind(0).get(12), any(13)), of(x -> x[0].unbind(1).get(2), any(2, 3)),
                of(x -> x[0].unbind(-1).get(0), any(2, 3, 2)), of(x -> Tensor.stack(1, x[0].unbind(0)), any(3, 4)),
                of(x -> Tensor.stack(x[0].unbind(1)), any(3, 4)), of(x -> x[0].unbind(1).get(1), any(2, 3, 2)),
                of(x -> x[0].unbind(1).get(3), any(3, 4).laid(Layout.PERMUTED)),
                of(x -> x[0].unbind(0).get(1), any(3, 4).laid(Layout.FLIPPED)))
                .refuses(refusal("unbind: axis 1 is out of range for shape (3)", x -> x.unbind(1).get(0), 3),
                    refusal("unbind: axis -2 is out of range for shape (3)", x -> x.unbind(-2).get(0), 3),
                    refusal("unbind: axis 0 is out of range for shape (), which has no axes",
                        x -> x.unbind(0).get(0))));
    }

    private static List<OpRow> order() {
        return List.of(
            row("flip").cases(
                of(x -> x[0].flip(), any()), of(x -> x[0].flip(0), any(1)), of(x -> x[0].flip(1), any(2, 0)),
                of(x -> x[0].flip(0), any(13)), of(x -> x[0].flip(-1), any(207)), of(x -> x[0].flip(0, 1), any(3, 4)),
                of(x -> x[0].flip(1), any(2, 3, 5)), of(x -> x[0].flip(0, -1), any(2, 3, 5)),
                of(x -> x[0].flip(0), any(3, 4).laid(Layout.PERMUTED)),
                of(x -> x[0].flip(1), any(3, 4).laid(Layout.FLIPPED)))
                .refuses(refusal("flip: axis 1 is out of range for shape (3)", x -> x.flip(1), 3),
                    refusal("flip: axis -2 is named twice", x -> x.flip(0, -2), 2, 3),
                    refusal("flip: axis 0 is out of range for shape (), which has no axes", x -> x.flip(0))),
            row("roll").cases(
                of(x -> x[0].roll(1), any()), of(x -> x[0].roll(1, 0), any(1)), of(x -> x[0].roll(3, 1), any(2, 0)),
                of(x -> x[0].roll(5, 0), any(13)), of(x -> x[0].roll(-200, -1), any(207)),
                of(x -> x[0].roll(1, 0).roll(2, 1), any(3, 4)),
                of(x -> x[0].roll(7), any(3, 4)), of(x -> x[0].roll(-1, 1), any(2, 3, 5)),
                of(x -> x[0].roll(2, 1), any(3, 4).laid(Layout.PERMUTED)),
                of(x -> x[0].roll(-5, 0), any(3, 4).laid(Layout.FLIPPED)))
                .refuses(refusal("roll: axis 1 is out of range for shape (3)", x -> x.roll(1, 1), 3),
                    refusal("roll: axis -2 is out of range for shape (3)", x -> x.roll(1, -2), 3),
                    refusal("roll: axis 0 is out of range for shape (), which has no axes", x -> x.roll(1, 0))),
            padding("padReflect", PadMode.REFLECT).refuses(
                refusal("pad: reflect padding of axis 0 of (3) must be 0 to 2 elements wide but is 3",
                    x -> x.pad(0, 3, 0, PadMode.REFLECT), 3)),
            padding("padReplicate", PadMode.REPLICATE).refuses(
                refusal("pad: replicate padding of axis 0 of (0) must be 0 to 0 elements wide but is 1",
                    x -> x.pad(0, 1, 0, PadMode.REPLICATE), 0)),
            padding("padCircular", PadMode.CIRCULAR).refuses(
                refusal("pad: circular padding of axis 0 of (3) must be 0 to 3 elements wide but is 4",
                    x -> x.pad(0, 0, 4, PadMode.CIRCULAR), 3)));
    }

    private static OpRow padding(String name, PadMode mode) {
        return row(name).cases(
            of(x -> x[0].pad(new long[0][], mode), any()), of(x -> x[0].pad(0, 0, 0, mode), any(1)),
            of(x -> x[0].pad(1, 1, 1, mode), any(0, 2)), of(x -> x[0].pad(0, 2, 1, mode), any(3)),
            of(x -> x[0].pad(0, 5, 12, mode), any(13)),
            of(x -> x[0].pad(0, 3, 206, mode), any(207)).withoutDifferences(),
            of(x -> x[0].pad(new long[][] {{1, 0}, {2, 3}}, mode), any(3, 4)),
            of(x -> x[0].pad(new long[][] {{0, 0}, {0, 2}, {1, 1}}, mode), any(2, 3, 2)),
            of(x -> x[0].pad(-1, 1, 2, mode), any(3, 4).laid(Layout.PERMUTED)),
            of(x -> x[0].pad(0, 0, 2, mode), any(3, 4).laid(Layout.FLIPPED)))
            .refuses(refusal("wide but is -1", x -> x.pad(0, -1, 0, mode), 3),
                refusal("pad: axis 1 is out of range for shape (3)", x -> x.pad(1, 1, 1, mode), 3),
                refusal("needs a pair of widths, in front and behind, for each of its 2 axes but got [[1, 1]]",
                    x -> x.pad(new long[][] {{1, 1}}, mode), 2, 3));
    }

    private static List<OpRow> repetition() {
        return List.of(
            row("repeat").cases(
                of(x -> x[0].repeat(), any()), of(x -> x[0].repeat(3), any()), of(x -> x[0].repeat(2), any(0)),
                of(x -> x[0].repeat(0, 2), any(2, 3)), of(x -> x[0].repeat(3), any(13)),
                of(x -> x[0].repeat(2), any(207)),
                of(x -> x[0].repeat(2, 3), any(2, 3)), of(x -> x[0].repeat(2, 1, 3), any(2, 3)),
                of(x -> x[0].repeat(1, 2), any(3, 4).laid(Layout.PERMUTED)),
                of(x -> x[0].repeat(2, 2), any(3, 2).laid(Layout.SLICED)))
                .refuses(refusal("repeat: (2, 3) needs a count for each axis but got [2]: tile takes fewer",
                    x -> x.repeat(2), 2, 3),
                    refusal("repeat: counts must not be negative but are [2, -1]", x -> x.repeat(2, -1), 2, 3),
                    refusal("repeat: (3) needs a count for each axis", x -> x.repeat(), 3)),
            row("tile").cases(
                of(x -> x[0].tile(), any()), of(x -> x[0].tile(2, 2), any()), of(x -> x[0].tile(), any(3)),
                of(x -> x[0].tile(2), any(2, 0)), of(x -> x[0].tile(2), any(2, 3)), of(x -> x[0].tile(3), any(13)),
                of(x -> x[0].tile(2, 1), any(207)), of(x -> x[0].tile(1, 2, 1), any(2, 3)),
                of(x -> x[0].tile(2), any(3, 4).laid(Layout.FLIPPED)),
                of(x -> x[0].tile(2, 2), any(3, 4).laid(Layout.PERMUTED)))
                .refuses(refusal("tile: counts must not be negative but are [-2]", x -> x.tile(-2), 2, 3),
                    refusal("tile: counts must not be negative but are [-1, 2]", x -> x.tile(-1, 2), 2, 3),
                    refusal("tile: counts must not be negative but are [-1]", x -> x.tile(-1))),
            row("repeatInterleave").cases(
                of(x -> x[0].repeatInterleave(0, 3), any(1)), of(x -> x[0].repeatInterleave(1, 2), any(2, 0)),
                of(x -> x[0].repeatInterleave(0, 0), any(3)), of(x -> x[0].repeatInterleave(0, 3), any(13)),
                of(x -> x[0].repeatInterleave(0, 1), any(207)), of(x -> x[0].repeatInterleave(1, 3), any(2, 3)),
                of(x -> x[0].repeatInterleave(0, 2), any(2, 3)), of(x -> x[0].repeatInterleave(-2, 2), any(2, 3, 2)),
                of(x -> x[0].repeatInterleave(1, 2), any(3, 4).laid(Layout.PERMUTED)),
                of(x -> x[0].repeatInterleave(0, 2), any(3, 2).laid(Layout.FLIPPED)))
                .refuses(refusal("repeatInterleave: the count must not be negative but is -1",
                    x -> x.repeatInterleave(0, -1), 3),
                    refusal("repeatInterleave: axis 1 is out of range for shape (3)", x -> x.repeatInterleave(1, 2), 3),
                    refusal("repeatInterleave: axis 0 is out of range for shape ()", x -> x.repeatInterleave(0, 2))),
            row("expandAs").cases(
                of(x -> x[0].expandAs(x[1]), any(), like(2, 3)), of(x -> x[0].expandAs(x[1]), any(1, 3), like(0, 3)),
                of(x -> x[0].expandAs(x[1]), any(13), like(13)), of(x -> x[0].expandAs(x[1]), any(3, 1), like(3, 5)),
                of(x -> x[0].expandAs(x[1]), any(207), like(2, 207)),
                of(x -> x[0].expandAs(x[1]), any(3, 1), like(2, 3, 4)),
                of(x -> x[0].expandAs(x[1]), any(1), like(1, 1)), of(x -> x[0].expand(-1, 4), any(3, 1)),
                of(x -> x[0].expandAs(x[1]), any(3, 4).laid(Layout.PERMUTED), like(2, 3, 4)),
                of(x -> x[0].expandAs(x[1]), any(3, 4).laid(Layout.FLIPPED), like(2, 3, 4)))
                .refuses(Refusal.of("expandAs: (2) does not broadcast to (3)", x -> x[0].expandAs(x[1]),
                    any(2), any(3)),
                    Refusal.of("expandAs: (2, 3) does not broadcast to (3)", x -> x[0].expandAs(x[1]),
                        any(2, 3), any(3)),
                    refusal("expand: shape [-1, 3]: extents must not be negative", x -> x.expand(-1, 3), 3)));
    }

    private static List<OpRow> matrices() {
        Operand permuted = any(3, 4).laid(Layout.PERMUTED);
        Operand flipped = any(3, 4).laid(Layout.FLIPPED);
        return List.of(
            row("tril").cases(each(Tensor::tril, new long[][] {{1, 1}, {0, 3}, {3, 3}, {2, 3, 5}, {13, 2}}, permuted,
                flipped))
                .cases(of(x -> x[0].tril(1), any(3, 5)), of(x -> x[0].tril(-2), any(5, 3)),
                    of(x -> x[0].tril(-9), any(3, 3)).withoutDifferences())
                .refuses(refusal("tril: needs at least two axes but x is (3)", Tensor::tril, 3),
                    refusal("tril: needs at least two axes but x is ()", Tensor::tril),
                    refusal("tril: needs at least two axes but x is (1)", x -> x.tril(1), 1)),
            row("triu").cases(each(Tensor::triu, new long[][] {{1, 1}, {0, 3}, {3, 3}, {2, 3, 5}, {13, 2}}, permuted,
                flipped))
                .cases(of(x -> x[0].triu(1), any(3, 5)), of(x -> x[0].triu(-2), any(5, 3)),
                    of(x -> x[0].triu(-9), any(3, 3)))
                .refuses(refusal("triu: needs at least two axes but x is (3)", Tensor::triu, 3),
                    refusal("triu: needs at least two axes but x is ()", Tensor::triu),
                    refusal("triu: needs at least two axes but x is (1)", x -> x.triu(1), 1)),
            row("diagonal").cases(each(Tensor::diagonal, new long[][] {{1, 1}, {0, 3}, {3, 3}, {2, 3, 5}, {13, 16}},
                permuted, flipped))
                .cases(of(x -> x[0].diagonal(1, 0, 1), any(3, 5)), of(x -> x[0].diagonal(-2, 0, 1), any(5, 3)),
                    of(x -> x[0].diagonal(-9, 0, 1), any(3, 3)), of(x -> x[0].diagonal(1, 2, 0), any(3, 2, 4)))
                .refuses(refusal("diagonal: needs at least two axes but x is (3)", Tensor::diagonal, 3),
                    refusal("diagonal: axis -2 is named twice", x -> x.diagonal(0, 0, -2), 2, 3),
                    refusal("diagonal: axis 2 is out of range for shape (2, 3)", x -> x.diagonal(0, 0, 2), 2, 3)),
            row("diagonalEmbed").cases(each(Tensor::diagonalEmbed, new long[][] {{1}, {0}, {2, 0}, {5}, {2, 3}, {13}},
                permuted, flipped))
                .cases(of(x -> x[0].diagonalEmbed(1, -2, -1), any(3)), of(x -> x[0].diagonalEmbed(-2, 0, 1), any(3)),
                    of(x -> x[0].diagonalEmbed(0, 0, 2), any(2, 3)), of(x -> x[0].diagonalEmbed(1, 1, 0), any(2, 3)))
                .refuses(refusal("diagonalEmbed: needs at least one axis but x is a scalar", Tensor::diagonalEmbed),
                    refusal("diagonalEmbed: axis 1 is named twice", x -> x.diagonalEmbed(0, 1, 1), 3),
                    refusal("diagonalEmbed: axis 2 is out of range for shape (3, 3)", x -> x.diagonalEmbed(0, 2, 1),
                        3)),
            row("diag").cases(each(Tensor::diag, new long[][] {{1}, {0}, {5}, {13}, {3, 3}, {3, 5}, {0, 3}}, permuted,
                flipped))
                .cases(of(x -> x[0].diag(1), any(4)), of(x -> x[0].diag(-1), any(4, 3)))
                .refuses(refusal("diag: needs a vector or a matrix but x is (): see diagonal", Tensor::diag),
                    refusal("diag: needs a vector or a matrix but x is (2, 3, 4)", Tensor::diag, 2, 3, 4),
                    refusal("diag: needs a vector or a matrix but x is (1, 1, 1)", x -> x.diag(2), 1, 1, 1)),
            OpRow.of("trace").dtypes(OpRow.ANY).tolerance(Tolerance.summing(8, "at most 13 terms on 16 lanes"))
                .cases(each(Tensor::trace, new long[][] {{1, 1}, {0, 3}, {3, 3}, {3, 5}, {5, 3}, {13, 13}, {1, 207}},
                    permuted, flipped,
                    any(3, 3).laid(Layout.SLICED), any(3, 3).laid(Layout.EXPANDED)))
                .refuses(refusal("trace: needs a matrix but x is (3)", Tensor::trace, 3),
                    refusal("trace: needs a matrix but x is ()", Tensor::trace),
                    refusal("trace: needs a matrix but x is (2, 3, 3): of several, sum diagonal()", Tensor::trace,
                        2, 3, 3)));
    }

    private static List<OpRow> grids() {
        TensorFunction first = x -> Tensor.meshgrid(Arrays.asList(x)).getFirst();
        TensorFunction last = x -> Tensor.meshgrid(Arrays.asList(x)).getLast();
        return List.of(
            row("stack").cases(
                of(x -> Tensor.stack(List.of(x)), any(), any()), of(x -> Tensor.stack(0, List.of(x)), any(1)),
                of(x -> Tensor.stack(1, List.of(x)), any(0, 3), any(0, 3)),
                of(x -> Tensor.stack(-1, List.of(x)), any(13), any(13)),
                of(x -> Tensor.stack(List.of(x)), any(2, 3), any(2, 3)),
                of(x -> Tensor.stack(2, List.of(x)), any(2, 3), any(2, 3)),
                of(x -> Tensor.stack(1, List.of(x)), any(207), any(207), any(207)),
                of(x -> Tensor.stack(1, List.of(x[0], x[0])), any(3, 2)),
                of(x -> Tensor.stack(-2, List.of(x)), permutedMatrix(), any(3, 4).laid(Layout.FLIPPED)),
                of(x -> Tensor.stack(0, List.of(x)), any(3, 4).laid(Layout.EXPANDED), any(3, 4)))
                .refuses(Refusal.of("stack: (2) and (3) must have one shape", x -> Tensor.stack(List.of(x)),
                    any(2), any(3)),
                    Refusal.of("stack: axis 2 is out of range for (2) with one axis more: use -2 to 1",
                        x -> Tensor.stack(2, List.of(x)), any(2), any(2)),
                    Refusal.of("stack: there is no tensor to join", x -> Tensor.stack(List.of()), any(2))),
            row("meshgrid").cases(
                of(first, any(1)), of(first, any(2), any(3)), of(last, any(2), any(3)), of(first, any(0), any(3)),
                of(last, any(13), any(2)), of(last, any(207)),
                of(x -> Tensor.meshgrid(List.of(x)).get(1), any(2), any(3), any(4)),
                of(last, any(2), any(3), any(1)), of(first, any(5).laid(Layout.FLIPPED), any(2)),
                of(last, any(2), any(5).laid(Layout.SLICED)))
                .refuses(Refusal.of("meshgrid: needs vectors but number 1 is (2, 2)", first, any(2), any(2, 2)),
                    Refusal.of("meshgrid: needs vectors but number 0 is ()", first, any(), any(2)),
                    Refusal.of("meshgrid: needs vectors but number 2 is ()", first, any(1), any(2), any())),
            maker("linspace").cases(
                of(x -> x[0].device().linspace(x[0].dtype(), 0, 1, 0).add(x[0]), any()),
                of(x -> x[0].device().linspace(x[0].dtype(), -2, 5, 1).add(x[0]), any()),
                of(x -> x[0].device().linspace(x[0].dtype(), 0, 1, 13).add(x[0]), any(13)),
                of(x -> x[0].device().linspace(x[0].dtype(), 3, -3, 207).add(x[0]), any()),
                of(x -> x[0].device().linspace(x[0].dtype(), 1, 1, 2).add(x[0]), any(2)),
                of(x -> x[0].device().linspace(x[0].dtype(), -0.1, 0.1, 6).reshape(2, 3).add(x[0]), any(3)),
                of(x -> x[0].device().linspace(x[0].dtype(), 0, 100, 11).flip(0).add(x[0]), any(11)),
                of(x -> x[0].device().arange(x[0].dtype(), 1, 2, 0.25).add(x[0]), any()),
                of(x -> x[0].device().arange(x[0].dtype(), 5, -5, -3).add(x[0]), any(4)),
                of(x -> x[0].device().arange(x[0].dtype(), 0, -1, 1).add(x[0]), any(1)))
                .refuses(refusal("linspace: needs a floating dtype but got i32",
                    x -> x.device().linspace(DType.I32, 0, 1, 2)),
                    refusal("linspace: the count must not be negative but is -1",
                        x -> x.device().linspace(DType.F32, 0, 1, -1)),
                    refusal("arange: there is no way from 0.0 to 1.0 in steps of 0.0",
                        x -> x.device().arange(DType.F32, 0, 1, 0)),
                    refusal("arange: constant 0.5 does not fit i64", x -> x.device().arange(DType.I32, 0, 1, 0.5))),
            maker("eye").cases(
                of(x -> x[0].device().eye(x[0].dtype(), 1).mul(x[0]), any()),
                of(x -> x[0].device().eye(x[0].dtype(), 0).add(x[0]), any()),
                of(x -> x[0].device().eye(x[0].dtype(), 3).mul(x[0]), any(3, 3)),
                of(x -> x[0].device().eye(x[0].dtype(), 3, 5).mul(x[0]), any(5)),
                of(x -> x[0].device().eye(x[0].dtype(), 13, 2).add(x[0]), any(2)),
                of(x -> x[0].device().eye(x[0].dtype(), 2, 0).add(x[0]), any()),
                of(x -> x[0].device().eye(x[0].dtype(), 3).add(x[0]), any(2, 3, 3)),
                of(x -> x[0].device().zerosLike(x[0]).add(x[0]), any(13)),
                of(x -> x[0].device().onesLike(x[0]).mul(x[0]), any(3, 4)),
                of(x -> x[0].device().fullLike(x[0], -2).mul(x[0]), any(207)))
                .refuses(refusal("eye: rows and columns must not be negative but are -1 and -1",
                    x -> x.device().eye(DType.F32, -1)),
                    refusal("eye: rows and columns must not be negative but are 2 and -3",
                        x -> x.device().eye(DType.F32, 2, -3)),
                    refusal("full: constant 2.5 does not fit i32, which holds whole numbers of 32 bits: use a floating",
                        x -> x.device().full(DType.I32, 2.5, 3))));
    }

    private static OpRow maker(String name) {
        return OpRow.of(name).tolerance(Tolerance.exact("the values are given"));
    }

    /** An argument whose shape alone counts. */
    private static Operand like(long... shape) {
        return Operand.of(DType.I64, ANY, shape);
    }

    private static Operand permutedMatrix() {
        return any(3, 4).laid(Layout.PERMUTED);
    }
}
