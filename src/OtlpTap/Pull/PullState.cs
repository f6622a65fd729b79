using System.Globalization;
using System.IO.Hashing;
using System.Text;
using OtlpTap.Otlp;

namespace OtlpTap.Pull;

/// <summary>
/// How far the pulling of one query has come, in a small file beside the cases: a line for each step, so that whatever
/// interrupts it costs one trace. The traces that were looked at are kept, so that a window that is asked for again does
/// not count them again.
/// <code>
///   otlptap.pull/1
///   b FROM      the range that is worked on begins here, nanoseconds of Unix time
///   w TO        everything before is done
///   t ID        the trace was looked at
///   f ID        the trace could not be fetched, and is tried again by the next run
/// </code>
/// </summary>
internal sealed class PullState : IDisposable
{
    private const string Format = "otlptap.pull/1";

    /// <summary>Ids that are kept, the newest: 35 bytes each in the file, 7 MB.</summary>
    public const int TracesMax = 200_000;

    private readonly string _path;
    private readonly HashSet<TraceId> _known = [];
    private readonly Queue<TraceId> _byAge = new();
    private readonly HashSet<TraceId> _failed = [];
    private StreamWriter? _file;

    private PullState(string path) => _path = path;

    /// <summary>Where the range began that was worked on last; 0: none was.</summary>
    public long From { get; private set; }

    /// <summary>Up to where it is done.</summary>
    public long Position { get; private set; }

    public IReadOnlyCollection<TraceId> Failed => _failed;

    /// <summary>The state of a query. A file that cannot be understood is begun anew.</summary>
    /// <exception cref="IOException">The file cannot be read or written, or another process pulls the same.</exception>
    public static PullState Open(string directory, PullOptions options)
    {
        var key = XxHash64.HashToUInt64(Encoding.UTF8.GetBytes($"{options.Url}\n{options.Query}\n{options.Tenant}"));
        Directory.CreateDirectory(directory);
        var state = new PullState(Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $".pull-{options.Name}-{key:x16}")));
        var file = new FileStream(state._path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        state.Read(file);
        file.SetLength(0);
        state._file = new StreamWriter(file, new UTF8Encoding(false)) { AutoFlush = false };
        state.WriteAll();
        return state;
    }

    /// <summary>Where to go on with a range: where it was left, when what was done covers its beginning.</summary>
    public long Begin(long from, long to)
    {
        var start = From != 0 && From <= from && Position > from && Position <= to ? Position : from;
        if (start == from)
        {
            From = from;
            Position = from;
            Write($"b {from}");
        }

        return start;
    }

    /// <summary>Of a range that was gone back in, what was done before stays done.</summary>
    public void Reached(long position)
    {
        if (position > Position)
        {
            Position = position;
            Write($"w {position}");
        }
    }

    public bool IsKnown(TraceId traceId) => _known.Contains(traceId);

    public void Done(TraceId traceId)
    {
        _failed.Remove(traceId);
        Know(traceId);
        Write($"t {traceId}");
    }

    public void CouldNot(TraceId traceId)
    {
        if (_failed.Count < TracesMax && _failed.Add(traceId))
        {
            Write($"f {traceId}");
        }
    }

    public void Dispose() => _file?.Dispose();

    private void Know(TraceId traceId)
    {
        if (_known.Add(traceId))
        {
            _byAge.Enqueue(traceId);
            if (_byAge.Count > TracesMax)
            {
                _known.Remove(_byAge.Dequeue());
            }
        }
    }

    private void Read(FileStream file)
    {
        using var reader = new StreamReader(file, leaveOpen: true);
        if (reader.ReadLine() != Format)
        {
            return;
        }

        while (reader.ReadLine() is { } line)
        {
            // A line that a kill cut is no line.
            if (line.Length < 3)
            {
                continue;
            }

            var text = line.AsSpan(2);
            switch (line[0])
            {
                case 'b' when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var from):
                    (From, Position) = (from, from);
                    break;
                case 'w' when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var position) && position >= Position:
                    Position = position;
                    break;
                case 't' when TraceId.TryParse(text, out var done):
                    _failed.Remove(done);
                    Know(done);
                    break;
                case 'f' when TraceId.TryParse(text, out var failed):
                    _failed.Add(failed);
                    break;
            }
        }
    }

    private void WriteAll()
    {
        _file!.Write($"{Format}\n");
        if (From != 0)
        {
            _file.Write(string.Create(CultureInfo.InvariantCulture, $"b {From}\nw {Position}\n"));
        }

        foreach (var traceId in _byAge)
        {
            _file.Write($"t {traceId}\n");
        }

        foreach (var traceId in _failed)
        {
            _file.Write($"f {traceId}\n");
        }

        _file.Flush();
    }

    private void Write(FormattableString line)
    {
        _file!.Write(line.ToString(CultureInfo.InvariantCulture) + "\n");
        _file.Flush();
    }
}
