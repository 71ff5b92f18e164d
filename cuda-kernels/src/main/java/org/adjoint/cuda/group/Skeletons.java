package org.adjoint.cuda.group;

/**
 * The loops of groups, as text with holes: {@code $NAME}. What the group does at the points of a thread is filled in
 * for {@code $POINTS}; it reads {@code first}, {@code limit} and {@code at}.
 */
final class Skeletons {
    static final String POINTS = """
        // A thread takes $WIDTH neighboring points. Each element is read once and written once.
        KERNEL $KERNEL($OPERANDS, Domain<$KEPT, $WALKS> domain, i64 count) {
            const Index limit = (Index) count;
            Index first = ((Index) blockIdx.x * $THREADS + threadIdx.x) * $WIDTH;
            if (first < limit) {
                Index at[$WALKS] = {};
                domain.advance(first, at);
                $RANDOM
                $POINTS
            }
        }
        """;

    static final String TENSORS = """
        // Tensors of a launch, whose parameters take at most 4 KiB.
        constexpr int TENSORS = $MOST;

        struct Tensors {
            $FIELDS
            i64 count[TENSORS];
            // The first block of each.
            i32 block[TENSORS];
        };

        // A block takes neighboring points of one of many tensors, a thread $WIDTH. Each element is read once and
        // written once.
        KERNEL $KERNEL(const __grid_constant__ Tensors tensors, i32 tensor_count) {
            const int t = tensor_of_block(tensors.block, tensor_count);
            const i64 begin = (i64) ((i32) blockIdx.x - tensors.block[t]) * ($THREADS * $WIDTH);
            const i64 rest = tensors.count[t] - begin;
            const Index limit = rest < $THREADS * $WIDTH ? (Index) rest : $THREADS * $WIDTH;
            $LOCALS
            const Index at[1] = {(Index) threadIdx.x * $WIDTH};
            const Index first = at[0];
            if (first < limit) {
                $POINTS
            }
        }
        """;

    static final String ROWS = """
        // A team, a warp or a block, folds a piece of a row. Each element is read once.
        KERNEL $KERNEL($OPERANDS, Domain<$KEPT, $WALKS> kept, Domain<$REDUCED, $WALKS> reduced, i64 rows, i64 length,
            i64 piece, i64 pieces) {
            i64 task = (i64) blockIdx.x * blockDim.y + threadIdx.y;
            bool active = task < rows * pieces;
            i64 row = task / pieces;
            i64 start = (task - row * pieces) * piece;
            const Index limit = (Index) (start + piece < length ? start + piece : length);
            Index base[$WALKS] = {};
            $ACCUMULATORS
            if (active) {
                kept.advance((Index) row, base);
                const Index step = blockDim.x * $WIDTH;
                Index first = (Index) start + threadIdx.x * $WIDTH;
                $UNROLLED
                for (; first < limit; first += step) {
                    Index at[$WALKS];
                    reduced.locate(base, first, at);
                    $POINTS
                }
            }
            $FOLDS
            if (active && threadIdx.x == 0) {
                $RESULTS
            }
        }
        """;

    static final String ROWS_FINISH = """
        // A block folds the pieces of a row.
        KERNEL $KERNEL_finish($RESULT_OPERANDS, Domain<$KEPT, $WALKS> kept, i64 pieces) {
            Index base[$WALKS] = {};
            kept.advance((Index) blockIdx.x, base);
            $ACCUMULATORS
            const int count = (int) pieces;
        #pragma unroll 1
            for (int first = threadIdx.x; first < count; first += 4 * blockDim.x) {
        #pragma unroll
                for (int turn = 0; turn < 4; turn++) {
                    int piece = first + turn * blockDim.x;
                    i64 part = blockIdx.x * pieces + piece;
                    $PARTS
                }
            }
            $FOLDS
            if (threadIdx.x == 0) {
                $RESULTS
            }
        }
        """;

    static final String COLUMNS = """
        // A block folds a piece of 32 x $WIDTH neighboring columns, blockDim.y rows at a time. Each element is read
        // once.
        KERNEL $KERNEL($OPERANDS, Domain<$KEPT, $WALKS> kept, Domain<$REDUCED, $WALKS> reduced, i64 columns,
            i64 length, i64 piece) {
            i64 column = ((i64) blockIdx.x * 32 + threadIdx.x) * $WIDTH;
            i64 start = blockIdx.y * piece;
            const Index limit = (Index) (start + piece < length ? start + piece : length);
            Index base[$WALKS] = {};
            $ACCUMULATORS
            if (column < columns) {
                kept.advance((Index) column, base);
                const Index step = blockDim.y;
                Index first = (Index) start + threadIdx.y;
                $UNROLLED
                for (; first < limit; first += step) {
                    Index at[$WALKS];
                    reduced.locate(base, first, at);
                    $POINTS
                }
            }
            $FOLDS
            if (column < columns && threadIdx.y == 0) {
                $RESULTS
            }
        }
        """;

    static final String COLUMNS_FINISH = """
        // A block folds the pieces of 32 neighboring columns.
        KERNEL $KERNEL_finish($RESULT_OPERANDS, Domain<$KEPT, $WALKS> kept, i64 columns, i64 pieces) {
            i64 column = (i64) blockIdx.x * 32 + threadIdx.x;
            Index base[$WALKS] = {};
            $ACCUMULATORS
            if (column < columns) {
                kept.advance((Index) column, base);
                const int count = (int) pieces;
        #pragma unroll 1
                for (int first = threadIdx.y; first < count; first += 16 * blockDim.y) {
        #pragma unroll
                    for (int turn = 0; turn < 16; turn++) {
                        int piece = first + turn * blockDim.y;
                        i64 part = piece * columns + column;
                        $PARTS
                    }
                }
            }
            $FOLDS
            if (column < columns && threadIdx.y == 0) {
                $RESULTS
            }
        }
        """;

    private Skeletons() { }
}
