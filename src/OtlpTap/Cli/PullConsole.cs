using System.Globalization;
using OtlpTap.Pull;

namespace OtlpTap.Cli;

/// <summary>Shows how far a pull is: a bar that is drawn over on a terminal, a line now and then elsewhere, nothing when quiet.</summary>
internal sealed class PullConsole(TextWriter output, bool isQuiet, bool isBar, TimeProvider time) : IPullWatch, IDisposable
{
    private const int BarWidth = 24;
    private static readonly TimeSpan BarInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private long? _shownAt;
    private int _shownLength;

    public void Progressed(in PullProgress progress)
    {
        if (isQuiet)
        {
            return;
        }

        lock (_lock)
        {
            _shownAt ??= isBar ? 0 : time.GetTimestamp();
            if (time.GetElapsedTime(_shownAt.Value) < (isBar ? BarInterval : LineInterval))
            {
                return;
            }

            _shownAt = time.GetTimestamp();
            var text = string.Create(CultureInfo.InvariantCulture, $"{progress.Share * 100:0} % {progress.Traces} traces, {progress.Failing} failing, {progress.Cases} cases");
            if (!isBar)
            {
                output.WriteLine(text);
                return;
            }

            var filled = (int)(progress.Share * BarWidth);
            Draw($"[{new string('#', filled)}{new string('.', BarWidth - filled)}] {text}");
        }
    }

    public void Said(string line)
    {
        lock (_lock)
        {
            Clear();
            output.WriteLine(line);
        }
    }

    public void End()
    {
        lock (_lock)
        {
            Clear();
        }
    }

    public void Dispose() => End();

    private void Draw(string text)
    {
        output.Write($"\r{text.PadRight(_shownLength)}");
        _shownLength = text.Length;
    }

    private void Clear()
    {
        if (_shownLength > 0)
        {
            output.Write($"\r{new string(' ', _shownLength)}\r");
            _shownLength = 0;
        }
    }
}
