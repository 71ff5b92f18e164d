package org.adjoint.bench.train;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.adjoint.bench.AtomicFile;

/** {@code metrics.csv}: one row per step, written as the training goes. */
final class Metrics implements AutoCloseable {
    private static final String HEADER = "step,learning_rate,loss,validation_loss,tokens_per_second,seconds";

    /**
     * One step.
     *
     * @param step counts from 1
     * @param loss of the step's batch, before its update, in nats per byte
     * @param validationLoss after the update, or NaN if it was not measured
     * @param seconds of training so far, earlier sessions of the run included
     */
    record Row(long step, double learningRate, double loss, double validationLoss, double tokensPerSecond,
            double seconds) {
        private String text() {
            return step + "," + learningRate + "," + loss + "," + (Double.isNaN(validationLoss) ? "" : validationLoss)
                    + String.format(Locale.ROOT, ",%.1f,%.3f", tokensPerSecond, seconds);
        }

        private static Row parse(String line) {
            String[] cells = line.split(",", -1);
            return new Row(Long.parseLong(cells[0]), Double.parseDouble(cells[1]), Double.parseDouble(cells[2]),
                    cells[3].isEmpty() ? Double.NaN : Double.parseDouble(cells[3]), Double.parseDouble(cells[4]),
                    Double.parseDouble(cells[5]));
        }
    }

    private final List<Row> rows;
    private final BufferedWriter writer;

    private Metrics(Path file, List<Row> rows) throws IOException {
        this.rows = rows;
        StringBuilder text = new StringBuilder(HEADER).append('\n');
        rows.forEach(row -> text.append(row.text()).append('\n'));
        AtomicFile.write(file, text.toString().getBytes(StandardCharsets.UTF_8));
        this.writer = Files.newBufferedWriter(file, StandardOpenOption.APPEND);
    }

    static Metrics create(Path file) throws IOException {
        return new Metrics(file, new ArrayList<>());
    }

    /** Continues a file after {@code step}: what was written beyond the checkpoint will be computed again. */
    static Metrics resume(Path file, long step) throws IOException {
        List<Row> rows = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            // A killed run may leave half a line; it lies beyond the checkpoint.
            if (!line.equals(HEADER) && line.chars().filter(c -> c == ',').count() == 5) {
                Row row = parseOrNull(line);
                if (row != null && row.step() <= step) {
                    rows.add(row);
                }
            }
        }
        return new Metrics(file, rows);
    }

    private static Row parseOrNull(String line) {
        try {
            return Row.parse(line);
        } catch (NumberFormatException e) {
            return null;
        }
    }

    void add(Row row) throws IOException {
        rows.add(row);
        writer.write(row.text());
        writer.newLine();
        writer.flush();
    }

    /** All rows so far, those of earlier sessions too. */
    List<Row> rows() {
        return rows;
    }

    @Override
    public void close() throws IOException {
        writer.close();
    }
}
