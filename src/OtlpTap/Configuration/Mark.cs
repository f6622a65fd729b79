namespace OtlpTap.Configuration;

/// <summary>A place in a configuration file; lines and columns count from 1, a column is a character.</summary>
internal readonly record struct Mark(string File, int Line, int Column)
{
    public override string ToString() => $"{File}:{Line}:{Column}";
}
