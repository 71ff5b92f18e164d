package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * The largest element of each window of x {@code (n, channels, spatial...)}; lists hold a number per spatial axis. It
 * is the maximum of one strided slice per place in the window, which lie side by side where windows would be short runs
 * to fold; its derivative shares evenly among all that tie, which that of maxima of two would not.
 */
public record MaxPooling(List<Long> kernel, List<Long> stride, List<Long> dilation) implements Op.Composition {
    private static final int LEADING = 2;
    /** Larger windows are folded: a slice for each place would make too large a graph. */
    private static final int MOST_PLACES = 32;

    @Override
    public String name() {
        return "maxPool";
    }

    @Override
    public List<TensorType> infer(List<TensorType> inputs) {
        TensorType x = inputs.getFirst();
        return List.of(new TensorType(x.dtype(), shape(x.shape())));
    }

    private Shape shape(Shape x) {
        long[] extents = x.toArray();
        for (int axis = 0; axis < kernel.size(); axis++) {
            extents[LEADING + axis] = windows(axis).count(extents[LEADING + axis]);
        }
        return Shape.of(extents);
    }

    private Op.Windows windows(int axis) {
        return new Op.Windows(LEADING + axis, kernel.get(axis), stride.get(axis), dilation.get(axis));
    }

    /** Where the elements at each place of the windows begin. */
    private List<List<Long>> places(int rank) {
        List<List<Long>> places = new ArrayList<>(List.of(Collections.nCopies(rank, 0L)));
        for (int axis = 0; axis < kernel.size(); axis++) {
            List<List<Long>> more = new ArrayList<>();
            for (List<Long> place : places) {
                for (long i = 0; i < kernel.get(axis); i++) {
                    List<Long> next = new ArrayList<>(place);
                    next.set(LEADING + axis, i * dilation.get(axis));
                    more.add(next);
                }
            }
            places = more;
        }
        return places;
    }

    private List<Long> steps(int rank) {
        Long[] steps = new Long[rank];
        Arrays.fill(steps, 1L);
        for (int axis = 0; axis < kernel.size(); axis++) {
            steps[LEADING + axis] = stride.get(axis);
        }
        return List.of(steps);
    }

    /** Examples are more images: of elements that tie, a decomposition's derivative would favor some. */
    @Override
    public List<Node> batched(List<Node> inputs, boolean[] mapped, long extent) {
        Shape each = inputs.getFirst().shape().without(0);
        Node y = fused(this, reshape(inputs.getFirst(), each.with(0, extent * each.extent(0))));
        return List.of(reshape(y, y.shape().with(0, each.extent(0)).withLeading(extent)));
    }

    @Override
    public Node[] decompose(List<Node> inputs) {
        Node x = inputs.getFirst();
        int rank = x.shape().rank();
        if (kernel.stream().reduce(1L, (a, b) -> a * b) > MOST_PLACES) {
            Node windows = x;
            int[] folded = new int[kernel.size()];
            for (int axis = 0; axis < kernel.size(); axis++) {
                windows = Ops.windows(windows, LEADING + axis, kernel.get(axis), stride.get(axis), dilation.get(axis));
                folded[axis] = rank + axis;
            }
            return new Node[] {reduce(ReduceOp.MAX, windows, Op.ints(folded))};
        }
        Node largest = null;
        for (List<Long> place : places(rank)) {
            Node slice = slice(x, place, steps(rank), shape(x.shape()));
            largest = largest == null ? slice : max(largest, slice);
        }
        return new Node[] {largest};
    }

    @Override
    public Node[] gradient(Node node, Node[] cotangents) {
        Node x = node.input(0);
        int rank = x.shape().rank();
        DType compute = x.dtype().computeType();
        List<List<Long>> places = places(rank);
        Node largest = extremum(node);
        List<Node> hits = places.stream()
            .map(place -> equal(slice(x, place, steps(rank), node.shape()), largest)).toList();
        Node ties = hits.stream().map(hit -> cast(hit, compute)).reduce(Ops::add).orElseThrow();
        Node share = div(cast(cotangents[0], compute), ties);
        long[] interior = steps(rank).stream().mapToLong(step -> step - 1).toArray();
        Node dx = null;
        for (int i = 0; i < hits.size(); i++) {
            Node part = where(hits.get(i), share, zerosLike(share));
            Node placed = pad(part, places.get(i).stream().mapToLong(Long::longValue).toArray(), interior, x.shape(),
                zeroOf(compute));
            dx = dx == null ? placed : add(dx, placed);
        }
        return new Node[] {cast(dx, x.dtype())};
    }
}
