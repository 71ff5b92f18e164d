package org.adjoint.cuda.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Card;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Source;
import org.adjoint.cuda.launch.Work;
import org.adjoint.plan.View;

/** Attention on tensor cores, {@code attention_mma.cu}: which problems it takes, and its launches. */
final class TensorCoreAttention {
    private static final int THREADS = 128;
    /** Rows that a block visits at a time in the gradient: VISITED of {@code attention_mma.cu}. */
    private static final int VISITED = 32;
    private static final int CHUNK_BYTES = 16;

    private TensorCoreAttention() { }

    /** @param operands what is read and written as rows of whole chunks of 16 bytes */
    static boolean takes(AttentionProblem problem, boolean biased, double scale, Card card, List<View> operands) {
        long head = problem.depth();
        return card.isAmpereOrLater() && !biased && problem.dtype().isHalf() && (head == 64 || head == 128)
            && problem.width() == head && (float) scale > 0 && Float.isFinite((float) scale)
            && Math.max(problem.queries(), problem.keys()) < Integer.MAX_VALUE - 1024
            && mostShared((int) head) <= card.sharedBytes() && problem.strides().stream().allMatch(
                TensorCoreAttention::inChunks)
            && operands.stream().allMatch(view -> view.byteOffset() % CHUNK_BYTES == 0);
    }

    private static boolean inChunks(long[] strides) {
        for (int i = 0; i <= AttentionProblem.BATCH_AXES; i++) {
            if (strides[i] % (CHUNK_BYTES / 2) != 0) {
                return false;
            }
        }
        return true;
    }

    private static int mostShared(int head) {
        return gradientShared(head, queryRows());
    }

    /** A block's own queries: 64 QUERY_PARTS of {@code attention_mma.cu}. */
    private static int queryRows() {
        return 128;
    }

    /** A block's own keys: 64 KEY_PARTS of {@code attention_mma.cu}. */
    private static int keyRows(int head) {
        return head == 64 ? 128 : 64;
    }

    /** Own rows of two operands; visited ones of two, and their statistics, twice. */
    private static int gradientShared(int head, int ownRows) {
        return (2 * ownRows + 4 * VISITED) * head * 2 + 4 * VISITED * Float.BYTES;
    }

    static Work forward(AttentionProblem problem, double scale, List<View> inputs, List<View> outputs) {
        int head = (int) problem.depth();
        int visited = head == 64 ? 64 : 32;
        List<Argument> arguments = new ArrayList<>();
        inputs.forEach(view -> arguments.add(Argument.of(view)));
        outputs.forEach(view -> arguments.add(Argument.of(view)));
        return launch("attention_mma_forward_", problem, scale, problem.queries(), queryRows(),
            (queryRows() + 4 * visited) * head * 2, arguments);
    }

    /** @param reads q, k, v, logSumExp, dout, delta */
    static Work keyGradient(AttentionProblem problem, double scale, List<Argument> reads, View dk, View dv) {
        List<Argument> arguments = new ArrayList<>(reads);
        arguments.add(Argument.of(dk));
        arguments.add(Argument.of(dv));
        int head = (int) problem.depth();
        return launch("attention_mma_gradient_keys_", problem, scale, problem.keys(), keyRows(head),
            gradientShared(head, keyRows(head)), arguments);
    }

    /** @param reads q, k, v, logSumExp, dout, delta */
    static Work queryGradient(AttentionProblem problem, double scale, List<Argument> reads, View dq) {
        List<Argument> arguments = new ArrayList<>(reads);
        arguments.add(Argument.of(dq));
        return launch("attention_mma_gradient_queries_", problem, scale, problem.queries(), queryRows(),
            gradientShared((int) problem.depth(), queryRows()), arguments);
    }

    private static Work launch(String function, AttentionProblem problem, double scale, long rows, int ownRows,
        int shared, List<Argument> arguments) {
        String dtype = problem.dtype().text();
        Source source = Source.ofFile("attention_mma.cu",
            Map.of("T", dtype, "HEAD", Long.toString(problem.depth())));
        List<Argument> all = new ArrayList<>(arguments);
        all.add(problem.argument());
        all.add(Argument.of((float) scale));
        return new Launch(source, function + dtype, problem.heads() * AttentionKernel.blocks(rows, ownRows), 1, 1,
            THREADS, 1, shared, all);
    }
}
