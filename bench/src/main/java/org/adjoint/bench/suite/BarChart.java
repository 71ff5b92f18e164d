package org.adjoint.bench.suite;

import java.awt.Color;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import javax.imageio.ImageIO;
import org.adjoint.bench.AtomicFile;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.style.Styler;

/** Bars side by side: a group for each case, a color for each contender. */
final class BarChart {
    private static final int WIDTH = 1100;
    private static final int HEIGHT = 500;
    private static final int MOST_LEVEL_LABELS = 4;
    private static final int TILTED_DEGREES = 30;

    private BarChart() { }

    /** Draws the results that are in {@code unit}, as a PNG. */
    static void write(Path file, String title, String unit, List<Result> results) throws IOException {
        write(file, title, unit, results.stream().filter(result -> result.unit().equals(unit)).toList(),
            Result::median);
    }

    /** Draws what parts of the machine's ceiling were reached, as a PNG: results in any units. */
    static void writeParts(Path file, String title, List<Result> results) throws IOException {
        write(file, title, "% of the ceiling", results.stream().filter(result -> result.ofCeiling() != null).toList(),
            result -> 100 * result.ofCeiling());
    }

    private static void write(Path file, String title, String unit, List<Result> shown,
        ToDoubleFunction<Result> height) throws IOException {
        List<String> cases = shown.stream().map(Result::work).distinct().toList();
        CategoryChart chart = new CategoryChartBuilder().width(WIDTH).height(HEIGHT).title(title).yAxisTitle(unit)
            .build();
        chart.getStyler().setLegendPosition(Styler.LegendPosition.OutsideE).setChartBackgroundColor(Color.WHITE);
        chart.getStyler().setXAxisLabelRotation(cases.size() > MOST_LEVEL_LABELS ? TILTED_DEGREES : 0);
        for (String contender : shown.stream().map(Result::contender).distinct().toList()) {
            List<Double> heights = new ArrayList<>();
            for (String work : cases) {
                heights.add(shown.stream().filter(it -> it.work().equals(work) && it.contender().equals(contender))
                    .map(height::applyAsDouble).findFirst().orElse(0.0));
            }
            chart.addSeries(contender, cases, heights);
        }
        ByteArrayOutputStream png = new ByteArrayOutputStream();
        ImageIO.write(BitmapEncoder.getBufferedImage(chart), "png", png);
        AtomicFile.write(file, png.toByteArray());
    }
}
