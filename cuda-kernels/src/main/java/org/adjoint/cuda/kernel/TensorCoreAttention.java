package org.adjoint.cuda.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Card;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Prepared;
import org.adjoint.cuda.launch.Source;
import org.adjoint.cuda.launch.Work;
import org.adjoint.plan.View;

/** Attention on tensor cores, {@code attention_mma.cu}: which problems it takes, and its launches. */
final class TensorCoreAttention {
    private static final int THREADS = 128;
    /** A block's own queries: 64 QUERY_PARTS of {@code attention_mma.cu}. */
    private static final int QUERY_ROWS = 128;
    /** Keys that a block of queries visits at a time. */
    private static final int VISITED_KEYS = 32;
    private static final int CHUNK_BYTES = 16;

    private TensorCoreAttention() { }

    /** @param operands what is read and written as rows of whole chunks of 16 bytes */
    static boolean takes(AttentionProblem problem, boolean biased, double scale, Card card, List<View> operands) {
        return card.isAmpereOrLater() && !biased && problem.dtype().isHalf() && isHead(problem.depth())
            && isHead(problem.width()) && (float) scale > 0 && Float.isFinite((float) scale)
            && Math.max(problem.queries(), problem.keys()) < Integer.MAX_VALUE - 1024
            && gradientShared(head(problem), QUERY_ROWS, VISITED_KEYS) <= card.sharedBytes()
            && problem.strides().stream().allMatch(TensorCoreAttention::inChunks)
            && operands.stream().allMatch(view -> view.byteOffset() % CHUNK_BYTES == 0);
    }

    private static boolean isHead(long columns) {
        return columns > 0 && columns <= 128 && columns % (CHUNK_BYTES / 2) == 0;
    }

    /** What the columns of all operands are filled up to: HEAD of {@code attention_mma.cu}. */
    private static int head(AttentionProblem problem) {
        long columns = Math.max(problem.depth(), problem.width());
        return columns <= 32 ? 32 : columns <= 64 ? 64 : 128;
    }

    private static boolean inChunks(long[] strides) {
        for (int i = 0; i <= AttentionProblem.BATCH_AXES; i++) {
            if (strides[i] % (CHUNK_BYTES / 2) != 0) {
                return false;
            }
        }
        return true;
    }

    /** A block's own keys: 64 KEY_PARTS of {@code attention_mma.cu}. */
    private static int keyRows(int head) {
        return head == 128 ? 64 : 128;
    }

    /** Queries that a block of keys visits at a time: VISITED_QUERIES of {@code attention_mma.cu}. */
    private static int visitedQueries(int head) {
        return head == 128 ? 64 : 32;
    }

    /** Own rows of two operands and visited ones of two, the latter twice; two statistics of the queries among them. */
    private static int gradientShared(int head, int ownRows, int visited) {
        return (2 * ownRows + 4 * visited) * head * 2 + Math.max(2 * ownRows, 4 * visited) * Float.BYTES;
    }

    static Work forward(AttentionProblem problem, double scale, List<View> inputs, List<View> outputs) {
        int head = head(problem);
        List<Argument> arguments = new ArrayList<>();
        inputs.forEach(view -> arguments.add(Argument.of(view)));
        outputs.forEach(view -> arguments.add(Argument.of(view)));
        arguments.add(problem.argument());
        arguments.add(Argument.of((float) scale));
        return launch("attention_mma_forward_", problem, problem.queries(), QUERY_ROWS,
            (QUERY_ROWS + 4 * VISITED_KEYS) * head * 2, arguments);
    }

    /** @param inputs q, k, v, out, maxima, totals, dout */
    static Prepared gradient(AttentionProblem problem, double scale, List<View> inputs, List<View> outputs) {
        int head = head(problem);
        Argument pairs = new Argument.Workspace(0);
        Work statistics = launch("attention_mma_statistics_", problem, problem.queries(), THREADS, 0,
            List.of(Argument.of(inputs.get(3)), Argument.of(inputs.get(6)), Argument.of(inputs.get(4)),
                Argument.of(inputs.get(5)), pairs, problem.argument()));
        List<Argument> keyGradient = new ArrayList<>(List.of(Argument.of(inputs.get(0)), Argument.of(inputs.get(1)),
            Argument.of(inputs.get(2)), Argument.of(inputs.get(6)), pairs));
        List<Argument> queryGradient = new ArrayList<>(keyGradient);
        keyGradient.add(Argument.of(outputs.get(1)));
        keyGradient.add(Argument.of(outputs.get(2)));
        queryGradient.add(Argument.of(outputs.get(0)));
        for (List<Argument> arguments : List.of(keyGradient, queryGradient)) {
            arguments.add(problem.argument());
            arguments.add(Argument.of((float) scale));
        }
        int keyRows = keyRows(head);
        return new Prepared(List.of(statistics,
            launch("attention_mma_gradient_keys_", problem, problem.keys(), keyRows,
                gradientShared(head, keyRows, visitedQueries(head)), keyGradient),
            launch("attention_mma_gradient_queries_", problem, problem.queries(), QUERY_ROWS,
                gradientShared(head, QUERY_ROWS, VISITED_KEYS), queryGradient)),
            2 * Float.BYTES * problem.heads() * problem.queries(), false);
    }

    private static Work launch(String function, AttentionProblem problem, long rows, int ownRows, int shared,
        List<Argument> arguments) {
        String dtype = problem.dtype().text();
        Source source = Source.ofFile("attention_mma.cu",
            Map.of("T", dtype, "HEAD", Integer.toString(head(problem))));
        return new Launch(source, function + dtype, problem.heads() * AttentionKernel.blocks(rows, ownRows), 1, 1,
            THREADS, 1, shared, arguments);
    }
}
