//! Embeds the migrations anew when one changes: the compiler does not see that the macro reads a folder.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
