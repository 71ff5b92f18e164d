package org.adjoint.contract;

import static org.adjoint.contract.Domain.uniform;
import static org.adjoint.contract.Domain.values;

import java.util.List;
import org.adjoint.Tensor;
import org.adjoint.contract.Operand.Layout;
import org.adjoint.gradcheck.TensorFunction;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;

/** Samples of products: matrix product, dot, outer, tensordot, kron, einsum. */
final class LinearAlgebraSamples {
    private static final Domain ANY = uniform(-2, 2);
    private static final Tolerance SUMS = Tolerance.summing(17, "33 products are summed at most, half an ulp for each");

    private LinearAlgebraSamples() { }

    static List<OpRow> rows() {
        return List.of(matmul(), dot(), outer(), tensordot(), kron(), einsum());
    }

    private static SampleCase of(TensorFunction function, Operand... operands) {
        return SampleCase.of(function, operands);
    }

    private static Operand any(long... shape) {
        return Operand.of(ANY, shape);
    }

    private static Operand bool(long... shape) {
        return Operand.of(DType.BOOL, values(0, 1), shape);
    }

    private static Operand special(long... shape) {
        return Operand.of(values(1, Double.NaN, -0.0, 2, Double.POSITIVE_INFINITY, -3), shape);
    }

    private static OpRow matmul() {
        TensorFunction product = x -> x[0].matmul(x[1]);
        return OpRow.of("matmul", Op.MatMul.class).dtypes(OpRow.NUMBERS).tolerance(SUMS).cases(
            of(product, any(1), any(1)), of(product, any(13), any(13)), of(product, any(3, 5), any(5, 4)),
            of(product, any(5), any(5, 4)), of(product, any(2, 3, 5), any(5)), of(product, any(2, 3, 4), any(4, 2)),
            of(product, any(2, 1, 3, 4), any(3, 4, 2)),
            of(product, any(3, 5).laid(Layout.PERMUTED), any(5, 4).laid(Layout.PERMUTED)),
            of(product, any(3, 5).laid(Layout.SLICED), any(5, 4).laid(Layout.FLIPPED)),
            of(product, any(2, 0), any(0, 3)), of(product, any(0, 3), any(3, 2)),
            of(product, any(65, 33), any(33, 67)).withoutDifferences())
            .refuses(Refusal.of("matmul: the last dimension of a (2, 3) must equal the second-to-last of b (4, 5)",
                product, any(2, 3), any(4, 5)),
                Refusal.of("need at least one axis each: use mul for scalars", product, any(), any(2)),
                Refusal.of("matmul: does not take bool tensors: cast bool(2, 3) and bool(3, 2) to a number type first",
                    product, bool(2, 3), bool(3, 2)),
                Refusal.of("matmul: shapes (2) and (3) do not broadcast", product, any(2, 3, 4), any(3, 4, 5)));
    }

    private static OpRow dot() {
        TensorFunction dot = x -> x[0].dot(x[1]);
        return OpRow.of("dot").dtypes(OpRow.NUMBERS)
            .tolerance(Tolerance.summing(24, "207 products in 16 lanes, half an ulp for each and for joining them"))
            .cases(of(dot, any(1), any(1)), of(dot, any(0), any(0)), of(dot, any(2), any(2)),
                of(dot, any(13), any(13)), of(dot, any(17), any(17)), of(dot, any(207), any(207)),
                of(dot, any(13).laid(Layout.SLICED), any(13).laid(Layout.FLIPPED)),
                of(dot, any(13).laid(Layout.EXPANDED), any(13)),
                of(x -> x[0].dot(x[0]), any(13)), of(dot, any(5), Operand.of(DType.F32, ANY, 5)).forwardOnly(),
                of(dot, special(6), any(6)).forwardOnly())
            .refuses(Refusal.of("dot: a (2, 3) and b (3) must be vectors", dot, any(2, 3), any(3)),
                Refusal.of("dot: a (2) and b (3) must have the same length", dot, any(2), any(3)),
                Refusal.of("dot: does not take bool tensors", dot, bool(3), any(3)),
                Refusal.of("dot: a () and b (3) must be vectors", dot, any(), any(3)));
    }

    private static OpRow outer() {
        TensorFunction outer = x -> x[0].outer(x[1]);
        return OpRow.of("outer").dtypes(OpRow.NUMBERS)
            .tolerance(Tolerance.exact("one product with one rounding").gradient(16))
            .cases(of(outer, any(1), any(1)), of(outer, any(0), any(3)), of(outer, any(3), any(0)),
                of(outer, any(2), any(3)), of(outer, any(13), any(1)), of(outer, any(1), any(13)),
                of(outer, any(13), any(7)), of(outer, any(5).laid(Layout.SLICED), any(4).laid(Layout.FLIPPED)),
                of(x -> x[0].outer(x[0]), any(5)), of(outer, any(3).laid(Layout.EXPANDED), any(4)),
                of(outer, any(207), any(5)).withoutDifferences())
            .refuses(Refusal.of("outer: a (2, 3) and b (3) must be vectors", outer, any(2, 3), any(3)),
                Refusal.of("outer: a (3) and b () must be vectors", outer, any(3), any()),
                Refusal.of("outer: does not take bool tensors", outer, bool(2), bool(3)));
    }

    private static OpRow tensordot() {
        TensorFunction last = x -> x[0].tensordot(x[1], 1);
        TensorFunction none = x -> x[0].tensordot(x[1], 0);
        TensorFunction two = x -> x[0].tensordot(x[1], 2);
        TensorFunction pairs = x -> x[0].tensordot(x[1], new int[] {0, -1}, new int[] {1, 0});
        return OpRow.of("tensordot").dtypes(OpRow.NUMBERS).tolerance(SUMS).cases(
            of(none, any(), any()), of(none, any(2), any(3)), of(none, any(2, 3), any(2)), of(last, any(3), any(3)),
            of(last, any(2, 3), any(3, 4)), of(last, any(2, 0), any(0, 3)), of(two, any(2, 3, 4), any(3, 4, 5)),
            of(two, any(3, 4), any(3, 4)), of(pairs, any(3, 2, 4), any(4, 3, 5)),
            of(pairs, any(3, 2, 4).laid(Layout.PERMUTED), any(4, 3, 5).laid(Layout.SLICED)),
            of(two, any(2, 3, 4).laid(Layout.FLIPPED), any(3, 4, 2)), of(last, any(13, 17), any(17, 1)))
            .refuses(
                Refusal.of("tensordot: a (2, 3) and b (3) do not have 2 axes to sum over", two, any(2, 3), any(3)),
                Refusal.of("tensordot: axis 1 of a (2, 3) and axis 0 of b (4, 5) differ", last, any(2, 3), any(4, 5)),
                Refusal.of("tensordot: axes [0] of a and [0, 1] of b must be as many",
                    x -> x[0].tensordot(x[1], new int[] {0}, new int[] {0, 1}), any(2, 3), any(2, 3)),
                Refusal.of("tensordot: an axis is named twice in [0, -2] of a",
                    x -> x[0].tensordot(x[1], new int[] {0, -2}, new int[] {0, 1}), any(2, 3), any(2, 2)),
                Refusal.of("tensordot: axis 2 is out of range for shape (2, 3)",
                    x -> x[0].tensordot(x[1], new int[] {2}, new int[] {0}), any(2, 3), any(2, 3)));
    }

    private static OpRow kron() {
        TensorFunction kron = x -> x[0].kron(x[1]);
        return OpRow.of("kron").dtypes(OpRow.NUMBERS)
            .tolerance(Tolerance.exact("one product with one rounding").gradient(16))
            .cases(of(kron, any(), any()), of(kron, any(3), any()), of(kron, any(), any(2, 3)),
                of(kron, any(2), any(3)),
                of(kron, any(2, 3), any(4, 5)), of(kron, any(2, 3), any(4)), of(kron, any(2), any(3, 2)),
                of(kron, any(0, 3), any(2, 2)),
                of(kron, any(2, 3).laid(Layout.PERMUTED), any(2, 2).laid(Layout.SLICED)),
                of(kron, any(2, 3).laid(Layout.FLIPPED), any(2)), of(kron, any(1, 13), any(2, 1)),
                of(kron, any(2, 2, 2), any(3, 1, 2)))
            .refuses(Refusal.of("kron: does not take bool tensors", kron, bool(2), any(2)),
                Refusal.of("kron: does not take bool tensors", kron, any(2, 2), bool(2)),
                Refusal.of("kron: 8589934592 times 8589934592 elements are more than 2^63",
                    x -> x[0].expand(1L << 33, 1).kron(x[0].expand(1L << 33, 1)), any(1, 1)));
    }

    private static TensorFunction sum(String equation) {
        return x -> Tensor.einsum(equation, x);
    }

    private static OpRow einsum() {
        return OpRow.of("einsum").dtypes(OpRow.FLOATING)
            .tolerance(Tolerance.summing(24,
                "as matmul; products of three are rounded in between").roundings(24).gradient(24))
            .cases(of(sum("ij,jk->ik"), any(2, 3), any(3, 4)), of(sum("bij,bjk"), any(2, 3, 4), any(2, 4, 5)),
                of(sum("ii->i"), any(5, 5)), of(sum("ii"), any(3, 3)), of(sum("ba"), any(2, 3)), of(sum("->"), any()),
                of(sum("ij->"), any(13, 7)), of(sum("...ij,...jk->...ik"), any(2, 1, 3, 4), any(3, 4, 2)),
                of(sum("i...->..."), any(3, 2, 2)), of(sum("i,j,k->kji"), any(2), any(3), any(2)),
                of(sum("ab,bc,cd->ad"), any(2, 5), any(5, 3), any(3, 4)),
                of(sum("bhqd,bhkd->bhqk"), any(2, 2, 3, 4), any(2, 2, 5, 4)),
                of(sum("bi,bi->b"), any(3, 13), any(3, 13)), of(sum("iij,jk->ki"), any(3, 3, 4), any(4, 2)),
                of(sum("ij,jk->ik"), any(2, 0), any(0, 3)), of(sum("bi,ij,bj->b"), any(3, 4), any(4, 5), any(1, 5)),
                of(sum("ij,jk->ki"), any(3, 5).laid(Layout.PERMUTED), any(5, 4).laid(Layout.SLICED)),
                of(sum("ij,kj->ik"), any(3, 5).laid(Layout.FLIPPED), any(4, 5).laid(Layout.EXPANDED)))
            .refuses(
                Refusal.of("einsum \"ij,jk->ik\": names 2 operands but 1 are given", sum("ij,jk->ik"), any(2, 3)),
                Refusal.of("einsum \"ij,jk->ik\": 'j' has 3 elements but 4 in operand 1, (4, 5)", sum("ij,jk->ik"),
                    any(2, 3), any(4, 5)),
                Refusal.of("einsum \"ijk->i\": \"ijk\" names 3 axes but its operand is (2, 3)", sum("ijk->i"),
                any(2, 3)),
                Refusal.of("\"i...jk\" names 3 axes or more but its operand is (2, 3)", sum("i...jk"), any(2, 3)),
                Refusal.of("einsum \"ii\": 'i' names axes of 2 and 3 elements of operand 0, (2, 3)", sum("ii"),
                any(2, 3)),
                Refusal.of("einsum \"ij->k\": the result names 'k', which no operand does", sum("ij->k"), any(2, 3)),
                Refusal.of("einsum \"ij->ii\": the result names 'i' twice", sum("ij->ii"), any(2, 3)),
                Refusal.of("einsum \"i1\": '1' names no axis", sum("i1"), any(2, 3)),
                Refusal.of("\"...i...\" has more than one ellipsis", sum("...i..."), any(2, 3)),
                Refusal.of("einsum \"\": there is no operand", x -> Tensor.einsum(""), any(2)),
                Refusal.of("einsum: does not take bool tensors", sum("i->"), bool(3)));
    }
}
