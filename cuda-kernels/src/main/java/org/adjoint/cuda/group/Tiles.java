package org.adjoint.cuda.group;

import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.graph.DType;
import org.adjoint.plan.Group;

/**
 * A group that computes points of transposed inputs: in tiles, so that what lies across the results, too, is read along
 * its fastest axis.
 *
 * @param rows the axis along which inputs that lie across are contiguous; the results are along the last
 * @param across which operands lie so, inputs first
 */
record Tiles(Group group, Loops loops, int rows, List<Boolean> across) {
    private static final int TILE = 32;
    private static final int DEPTH = 8;
    private static final int EACH = TILE / DEPTH;
    private static final int MOST_BLOCKS = 65_535;
    /** Inputs across, for the sake of shared memory. */
    private static final int MOST_ACROSS = 4;
    private static final int MOST_SHARED = 40 * 1024;

    private static final String TEXT = """
        #include "group.cuh"

        typedef i32 Index;

        $POINT
        // Tiles of 32 x 32 units of $SIDE x $SIDE points. What lies across them passes through shared memory, by the
        // place of a row in its unit. Each element is read once and written once.
        KERNEL $KERNEL($OPERANDS, Domain<$OUTER, $WALKS> outer, Domain<2, $WALKS> tile) {
        $SHARED
            Index at[$WALKS] = {};
            outer.advance((Index) blockIdx.z, at);
        #pragma unroll
            for (int walk = 0; walk < $WALKS; walk++) {
                at[walk] += (Index) blockIdx.y * (32 * $SIDE) * (Index) tile.strides[walk][0]
                    + (Index) blockIdx.x * (32 * $SIDE) * (Index) tile.strides[walk][1];
            }
            const Index rows = (Index) tile.extents[0] / $SIDE - (Index) blockIdx.y * 32;
            const Index columns = (Index) tile.extents[1] / $SIDE - (Index) blockIdx.x * 32;
            const Index x = threadIdx.x;
            const Index y = threadIdx.y;
        $REGISTERS
        #pragma unroll
            for (int k = 0; k < $EACH; k++) {
                const Index i = y + k * $DEPTH;
        #pragma unroll
                for (int j = 0; j < $SIDE; j++) {
                    if (x < rows && i < columns) {
        $ACROSS
                    }
                    if (x < columns && i < rows) {
        $ALONG
                    }
                }
            }
        #pragma unroll
            for (int k = 0; k < $EACH; k++) {
                const Index i = y + k * $DEPTH;
                if (x < rows && i < columns) {
        #pragma unroll
                    for (int j = 0; j < $SIDE; j++) {
        #pragma unroll
                        for (int m = 0; m < $SIDE; m++) {
        $TURNED
                        }
                    }
                }
            }
            __syncthreads();
        #pragma unroll
            for (int k = 0; k < $EACH; k++) {
                const Index i = y + k * $DEPTH;
                if (x < columns && i < rows) {
        #pragma unroll
                    for (int j = 0; j < $SIDE; j++) {
        $UNITS
        #pragma unroll
                        for (int m = 0; m < $SIDE; m++) {
                            point($ARGUMENTS);
                        }
        $STORES
                    }
                }
            }
        }
        """;

    /** Of a group without reductions; null where no input lies so, or not in the way that this serves. */
    static Tiles of(Group group, Loops loops) {
        int columns = loops.kept().length - 1;
        if (loops.isWide() || loops.kept()[columns] < TILE) {
            return null;
        }
        int inputs = group.inputs().size();
        for (int i = 0; i < group.results().size(); i++) {
            if (loops.stride(inputs + i, columns) != 1) {
                return null;
            }
        }
        for (int rows = 0; rows < columns; rows++) {
            int axis = rows;
            List<Boolean> across = IntStream.range(0, inputs).mapToObj(i -> loops.stride(i, axis) == 1
                && loops.stride(i, columns) != 0 && loops.stride(i, columns) != 1).toList();
            long count = across.stream().filter(lies -> lies).count();
            Tiles tiles = new Tiles(group, loops, rows, across);
            if (loops.kept()[rows] >= TILE && count > 0 && count <= MOST_ACROSS && tiles.fits()) {
                return tiles;
            }
        }
        return null;
    }

    private boolean fits() {
        return tiles(rows) <= MOST_BLOCKS && LongStream.of(outerExtents()).reduce(1, (a, b) -> a * b) <= MOST_BLOCKS;
    }

    private int columns() {
        return loops.kept().length - 1;
    }

    private long tiles(int axis) {
        return Math.ceilDiv(loops.kept()[axis], TILE * side());
    }

    /** Points of a unit's side: 2 where each operand's can be accessed in pairs of at most 8 bytes. */
    private int side() {
        long distances = loops.kept()[rows] | loops.kept()[columns()];
        int sharedBytes = 0;
        for (int i = 0; i < loops.walkOf().size(); i++) {
            int inputs = group.inputs().size();
            DType dtype = i < inputs ? group.inputs().get(i) : group.results().get(i - inputs).dtype();
            boolean broadcast = loops.stride(i, columns()) == 0;
            boolean lies = i < inputs && across.get(i);
            sharedBytes += lies ? 4 * TILE * (TILE + 2) * dtype.bytes() : 0;
            if (dtype.bytes() > Float.BYTES || !broadcast && !lies && loops.stride(i, columns()) != 1) {
                return 1;
            }
            for (int axis = 0; axis < loops.kept().length && !broadcast; axis++) {
                distances |= axis == (lies ? rows : columns()) ? loops.offsets()[i] : loops.stride(i, axis);
            }
        }
        return distances % 2 == 0 && sharedBytes <= MOST_SHARED ? 2 : 1;
    }

    private int[] outer() {
        return IntStream.range(0, columns()).filter(axis -> axis != rows).toArray();
    }

    private long[] outerExtents() {
        return columns() == 1 ? new long[] {1} : along(loops.kept(), outer());
    }

    private static long[] along(long[] values, int... axes) {
        return IntStream.of(axes).mapToLong(axis -> values[axis]).toArray();
    }

    /** @param operands inputs, results and scalars */
    Launch launch(List<Argument> operands) {
        GroupSource.Program program = GroupSource.Program.of(group, text());
        List<Argument> arguments = new ArrayList<>(operands);
        long[] outer = outerExtents();
        arguments.add(domain(outer, outer()));
        arguments.add(domain(along(loops.kept(), rows, columns()), rows, columns()));
        return new Launch(program.source(), program.kernel(), tiles(columns()), (int) tiles(rows),
            (int) LongStream.of(outer).reduce(1, (a, b) -> a * b), TILE, DEPTH, 0, arguments);
    }

    /** Some axes, or none, of which there is one point then. */
    private Argument domain(long[] extents, int... axes) {
        List<long[]> walks = loops.walks().stream()
            .map(walk -> axes.length == 0 ? new long[1] : along(walk, axes)).toList();
        Loops part = new Loops(extents, new long[0], walks, loops.walkOf(), loops.offsets());
        return new Argument.Int64s(part.keptDomain());
    }

    private String text() {
        StringJoiner operands = new StringJoiner(", ");
        StringJoiner arguments = new StringJoiner(", ");
        StringBuilder shared = new StringBuilder();
        StringBuilder registers = new StringBuilder();
        StringBuilder acrossLoads = new StringBuilder();
        StringBuilder alongLoads = new StringBuilder();
        StringBuilder turned = new StringBuilder();
        StringBuilder units = new StringBuilder();
        StringBuilder stores = new StringBuilder();
        int side = side();
        for (int i = 0; i < group.inputs().size(); i++) {
            DType dtype = group.inputs().get(i);
            String type = PointFunction.stored(dtype);
            String unit = "Pack<" + type + ", " + side + ">";
            operands.add("const " + type + "* x" + i);
            if (loops.walkOf().get(i) == Loops.UNIFORM) {
                arguments.add("x" + i + "[0]");
                continue;
            }
            boolean single = !across.get(i) && (side == 1 || loops.stride(i, columns()) == 0);
            line(registers, 4, (single ? type : unit) + " p" + i + "[" + EACH + "][" + side + "];");
            String place = "x" + i + " + " + place(i);
            String load = "p" + i + "[k][j] = *" + (single ? "" : "(const " + unit + "*) ") + "(" + place + ");";
            if (across.get(i)) {
                // Columns of a tile lie in different banks.
                int width = TILE + Math.max(1, 4 / (side * dtype.bytes()));
                line(shared, 4, "__shared__ " + unit + " tile" + i + "[" + side + "][" + TILE + "][" + width + "];");
                line(acrossLoads, 16, load);
                line(turned, 20, "tile" + i + "[j][i][x].values[m] = p" + i + "[k][m].values[j];");
                line(units, 16, unit + " u" + i + " = tile" + i + "[j][x][i];");
                arguments.add("u" + i + ".values[m]");
            } else {
                line(alongLoads, 16, load);
                arguments.add("p" + i + "[k][j]" + (single ? "" : ".values[m]"));
            }
        }
        for (int i = 0; i < group.scalars().size(); i++) {
            arguments.add("s" + i);
        }
        for (int i = 0; i < group.results().size(); i++) {
            String type = PointFunction.stored(group.results().get(i).dtype());
            operands.add(type + "* y" + i);
            line(units, 16, "Pack<" + type + ", " + side + "> q" + i + ";");
            arguments.add("q" + i + ".values[m]");
            line(stores, 16, "store_pack(y" + i + " + " + place(group.inputs().size() + i) + ", q" + i + ");");
        }
        for (int i = 0; i < group.scalars().size(); i++) {
            operands.add(PointFunction.stored(group.scalars().get(i)) + " s" + i);
        }
        return TEXT.replace("$POINT", PointFunction.text(group)).replace("$OPERANDS", operands.toString())
            .replace("$OUTER", "" + outerExtents().length).replace("$WALKS", "" + loops.walks().size())
            .replace("$SHARED\n", shared).replace("$REGISTERS\n", registers).replace("$ACROSS\n", acrossLoads)
            .replace("$ALONG\n", alongLoads).replace("$TURNED\n", turned).replace("$UNITS\n", units)
            .replace("$STORES\n", stores).replace("$ARGUMENTS", arguments.toString()).replace("$SIDE", "" + side)
            .replace("$EACH", "" + EACH).replace("$DEPTH", "" + DEPTH);
    }

    private static void line(StringBuilder text, int indent, String line) {
        text.append(" ".repeat(indent)).append(line).append('\n');
    }

    /** Where the unit of an operand lies that a thread accesses in turn k, j. */
    private String place(int operand) {
        int walk = loops.walkOf().get(operand);
        boolean lies = operand < across.size() && across.get(operand);
        String strides = "(Index) tile.strides[" + walk + "]";
        String along = lies || loops.stride(operand, columns()) == 1 ? "x * $SIDE" : "x * $SIDE * " + strides + "[1]";
        return "at[" + walk + "] + " + along + " + (i * $SIDE + j) * " + strides + (lies ? "[1]" : "[0]");
    }
}
