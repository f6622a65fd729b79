namespace OtlpTap;

internal static class Program
{
    private static void Main() => Console.WriteLine("otlptap");
}
