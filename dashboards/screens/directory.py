import streamlit as st
st.title('directory')
