package org.adjoint;

import java.util.List;
import java.util.stream.IntStream;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;

/** Operations whose results' shapes depend on values, so that these have to be computed first. */
final class DataDependent {
    private DataDependent() { }

    private static void requireEager(String op, String instead) {
        if (Trace.current() != null) {
            throw new IllegalStateException(op + ": the shape of the result depends on values, and a traced function "
                + "has none yet, it runs once to record what is to be computed: " + instead
                + ", or do this in eager code");
        }
    }

    static Tensor maskedSelect(Tensor x, Tensor mask) {
        requireEager("maskedSelect", "give other elements no weight with where() or maskedFill()");
        if (mask.dtype() != DType.BOOL) {
            throw new IllegalArgumentException("maskedSelect: the mask must be bool but is " + mask.type()
                + ": compare it with something");
        }
        x.operand("maskedSelect");
        mask.operand("maskedSelect");
        Shape shape = Shape.broadcast("maskedSelect", x.shape(), mask.shape());
        Tensor selected = positions(mask.realize().expand(shape.toArray()).reshape(shape.elements()));
        return x.expand(shape.toArray()).reshape(shape.elements()).gather(0, selected);
    }

    /** Where a list of booleans is true, ascending. */
    private static Tensor positions(Tensor mask) {
        try (Tensor count = mask.sum()) {
            // Sorting is stable: those that are true come first, in order.
            return mask.argsort(0, true).slice(0, 0, (long) count.item());
        }
    }

    static Tensor nonzero(Tensor x) {
        requireEager("nonzero", "keep a mask, x.notEqual(0), and choose with where()");
        x.operand("nonzero");
        Tensor mask = x.dtype() == DType.BOOL ? x : x.notEqual(0);
        Tensor positions = positions(mask.realize().reshape(x.shape().elements())).realize();
        long[] strides = x.shape().contiguousStrides();
        List<Tensor> columns = IntStream.range(0, x.shape().rank()).mapToObj(axis ->
            positions.binary(BinaryOp.DIV, strides[axis]).remainder(x.shape().extent(axis)).unsqueeze(1)).toList();
        return columns.isEmpty() ? x.device().zeros(DType.I64, positions.shape().extent(0), 0)
            : Tensor.concat(1, columns);
    }

    static UniqueElements unique(Tensor x) {
        requireEager("unique", "sort() keeps equal elements together in a result of known shape");
        x.operand("unique");
        long n = x.shape().elements();
        Device device = x.device();
        Tensor flat = x.reshape(n);
        Tensor order = flat.argsort(0).realize();
        Tensor sorted = flat.gather(0, order);
        Tensor first = n == 0 ? device.full(DType.BOOL, 0, 0) : Tensor.concat(0, List.of(device.full(DType.BOOL, 1, 1),
            sorted.slice(0, 1, n).notEqual(sorted.slice(0, 0, n - 1))));
        Tensor starts = positions(first.realize()).realize();
        long count = starts.shape().extent(0);
        Tensor ends = n == 0 ? starts
            : Tensor.concat(0, List.of(starts.slice(0, 1, count), device.full(DType.I64, n, 1)));
        Tensor group = first.to(DType.I64).cumsum(0).sub(1);
        Tensor inverse = device.full(DType.I64, 0, n).scatter(0, order, group).reshape(x.shape().toArray());
        return new UniqueElements(flat.gather(0, order.gather(0, starts)), inverse, ends.sub(starts));
    }
}
